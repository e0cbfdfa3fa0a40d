import numpy as np
import pytest
from harness import check_layer, randomize, to_numpy

from keras_pnnh.pass_through.layers import CarryDense


def block(kind, inputs, outputs, use_bias=False):
    return {
        "kind": kind,
        "inputs": inputs,
        "outputs": outputs,
        "use_bias": use_bias,
    }


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


BLOCKS = [
    block("dense", [0, 4], [0, 3], use_bias=True),
    block("identity", [2, 5], [1, 6]),
    block("scale", [3, 5], [6, 8], use_bias=True),
    block("identity", [1, 4], [8, 11]),
]


def test_is_a_well_behaved_layer(tmp_path):
    kwargs = {"blocks": BLOCKS, "kernel_initializer": "he_normal"}
    check_layer(CarryDense, kwargs, [(4, 3, 5)], 4, tmp_path)


def test_blocks_add_up_and_what_is_carried_moves():
    x = normal(2, 3, 5)
    layer = CarryDense(BLOCKS)
    layer(x)
    randomize(layer, seed=3)
    got = to_numpy(layer(x))
    kernel, bias, scale, offset = map(to_numpy, layer.weights)
    want = np.zeros((2, 3, 11), "float32")
    want[..., :3] += x[..., :4] @ kernel + bias
    want[..., 1:4] += x[..., 2:]
    want[..., 6:8] += x[..., 3:] * scale + offset
    want[..., 8:] = x[..., 1:4]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    # Of the first identity: what no weights write, zeros included.
    assert layer.pass_through_channels == 3
    merge = [block("dense", [0, 2], [0, 3]), block("identity", [2, 5], [0, 3])]
    assert CarryDense(merge).pass_through_channels == 0


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "at least one block: .* Received: blocks="),
        ([{"kind": "dense"}], r"at least \['inputs', 'kind', 'outputs'\]"),
        ([block("conv", [0, 1], [0, 1])], "must be one of .*'conv'"),
        ([block("dense", [1, 1], [0, 1])], r"`inputs` .*=\[1, 1\]"),
        ([block("scale", [0, 3], [0, 4])], "'scale' cannot turn 3"),
        ([block("identity", [0, 3], [0, 2])], "cannot turn 3 channels into 2"),
        ([block("dense", [0, 1], [2, 3])], "leave out channels 0 to 2"),
    ],
)
def test_blocks_that_contradict_themselves(blocks, message):
    with pytest.raises(ValueError, match=message):
        CarryDense(blocks)


def test_blocks_that_do_not_fit_the_input():
    layer = CarryDense([block("identity", [0, 5], [0, 5])])
    with pytest.raises(
        ValueError, match="read 5 channels. Received: .* with 4"
    ):
        layer(normal(1, 4, 4))
