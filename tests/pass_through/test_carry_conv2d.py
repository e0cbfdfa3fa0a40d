import keras
import numpy as np
import pytest
from harness import CHANNELS_FIRST_WORKS, check_layer, randomize, to_numpy

from keras_pnnh.pass_through.layers import CarryConv2D
from keras_pnnh.pass_through.layers._blocks import ChannelBlock

FORMATS = [
    "channels_last",
    pytest.param(
        "channels_first",
        marks=pytest.mark.skipif(
            not CHANNELS_FIRST_WORKS,
            reason="TensorFlow convolves channels first on a GPU only",
        ),
    ),
]


def block(kind, inputs, outputs, **entries):
    return {"kind": kind, "inputs": inputs, "outputs": outputs, **entries}


def full(*args, **entries):
    """A block with all of its keys, as `get_config` gives it."""
    return ChannelBlock.from_dict(block(*args, **entries)).to_dict()


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def run(layer, x):
    """Outputs of a layer with random weights, channels last."""
    if layer.data_format == "channels_first":
        x = np.moveaxis(x, 3, 1)
    layer(x)
    randomize(layer, seed=3)
    y = to_numpy(layer(x))
    return np.moveaxis(y, 1, 3) if layer.data_format == "channels_first" else y


WINDOW = {"kernel_size": [3, 3], "strides": [2, 2]}
SAME = {**WINDOW, "padding": "same"}
# Every kind, side by side and added up.
EVERY_KIND = [
    full("conv", [0, 4], [0, 6], groups=2, use_bias=True, **SAME),
    full("identity", [4, 7], [1, 6], strides=[2, 2]),
    full("depthwise", [0, 2], [6, 10], padding=[[0, 1], [1, 0]], **WINDOW),
    full("scale", [1, 4], [10, 13], strides=[2, 2], use_bias=True),
    full("average", [4, 7], [13, 16], **SAME),
    full("max", [4, 7], [16, 19], **SAME),
    full("identity", [3, 7], [19, 23], strides=[2, 2]),
]


@pytest.mark.parametrize("data_format", FORMATS)
def test_is_a_well_behaved_layer(tmp_path, data_format):
    first = data_format == "channels_first"
    kwargs = {
        "blocks": EVERY_KIND,
        "kernel_initializer": "glorot_normal",
        "data_format": "channels_first",
    }
    if not first:
        # None of the arguments is at its default.
        keras.config.set_image_data_format("channels_first")
        kwargs["data_format"] = data_format
    try:
        shape = (4, 7, 6, 6) if first else (4, 6, 6, 7)
        check_layer(CarryConv2D, kwargs, [shape], 5, tmp_path)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("size", [(6, 6), (7, 4)])
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize(
    ("given", "reference", "arguments"),
    [
        (
            block("conv", [1, 5], [0, 6], groups=2, use_bias=True, **SAME),
            keras.layers.Conv2D,
            {"filters": 6, "groups": 2, **SAME},
        ),
        (
            block(
                "conv",
                [1, 5],
                [0, 3],
                kernel_size=[3, 2],
                dilation_rate=[2, 1],
                padding=[[0, 0], [0, 0]],
            ),
            keras.layers.Conv2D,
            {
                "filters": 3,
                "kernel_size": (3, 2),
                "dilation_rate": (2, 1),
                "use_bias": False,
            },
        ),
        (
            block("conv", [1, 5], [0, 3], strides=[2, 2]),
            keras.layers.Conv2D,
            {
                "filters": 3,
                "kernel_size": 1,
                "strides": 2,
                "use_bias": False,
            },
        ),
        (
            block("depthwise", [1, 5], [0, 8], use_bias=True, **SAME),
            keras.layers.DepthwiseConv2D,
            {"depth_multiplier": 2, **SAME},
        ),
        (
            block("average", [1, 5], [0, 4], **SAME),
            keras.layers.AveragePooling2D,
            {"pool_size": 3, "strides": 2, "padding": "same"},
        ),
        (
            block("max", [1, 5], [0, 4], **SAME),
            keras.layers.MaxPooling2D,
            {"pool_size": 3, "strides": 2, "padding": "same"},
        ),
    ],
)
def test_a_block_equals_the_layer_of_keras(
    given, reference, arguments, data_format, size
):
    x = normal(2, *size, 6)
    layer = CarryConv2D([given], data_format=data_format)
    got = run(layer, x)
    model = reference(**arguments, data_format="channels_last")
    model(x[..., 1:5])
    if layer.weights:
        model.set_weights([to_numpy(weight) for weight in layer.weights])
    want = to_numpy(model(x[..., 1:5]))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_what_is_carried_moves_and_nothing_else():
    x = normal(2, 5, 6, 4)
    carry = [
        block("identity", [0, 4], [0, 4], strides=[2, 3]),
        # Cut away on one side, padded on the other, behind zeros.
        block("identity", [1, 3], [4, 8], strides=[2, 3])
        | {"padding": [[-1, 1], [2, -2]]},
    ]
    got = run(CarryConv2D(carry), x)
    np.testing.assert_array_equal(got[..., :4], x[:, ::2, ::3])
    moved = np.pad(x[:, 1:, :4, 1:3], [(0, 0), (0, 1), (2, 0), (0, 0)])
    np.testing.assert_array_equal(got[..., 4:6], moved[:, ::2, ::3])
    np.testing.assert_array_equal(got[..., 6:], 0)


def test_blocks_with_the_same_outputs_add_up():
    x = normal(2, 4, 4, 5)
    learner = block("conv", [0, 2], [0, 3], kernel_size=[3, 3], padding="same")
    layer = CarryConv2D(
        [
            learner,
            block("identity", [2, 5], [0, 3]),
            block("scale", [1, 2], [2, 3]),
        ]
    )
    got = run(layer, x)
    kernel, scale = map(to_numpy, layer.weights)
    want = to_numpy(keras.ops.conv(x[..., :2], kernel, 1, "same"))
    want = want + x[..., 2:]
    want[..., 2] += scale * x[..., 1]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_counts_what_is_carried():
    assert CarryConv2D(EVERY_KIND).pass_through_channels == 3 + 3 + 4


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "at least one block: .* Received: blocks="),
        ([{"kind": "conv"}], r"at least \['inputs', 'kind', 'outputs'\]"),
        ([block("conv", [0, 1], [0, 1], size=3)], "Received: .*'size'"),
        ([block("dense", [0, 1], [0, 1])], "must be one of .*'dense'"),
        ([block("conv", [1, 1], [0, 1])], r"`inputs` .*=\[1, 1\]"),
        ([block("conv", [0, 3], [0, 4], groups=2)], "3 channels into 4 in 2"),
        ([block("scale", [0, 3], [0, 4])], "'scale' cannot turn 3"),
        ([block("depthwise", [0, 2], [0, 3])], "cannot turn 2 channels into 3"),
        ([block("identity", [0, 3], [0, 2])], "cannot turn 3 channels into 2"),
        ([block("depthwise", [0, 2], [0, 2], groups=2)], "in 2 groups"),
        ([block("identity", [0, 1], [0, 1], **WINDOW)], "reads one pixel"),
        ([block("identity", [0, 1], [2, 3])], "leave out channels 0 to 2"),
    ],
)
def test_blocks_that_contradict_themselves(blocks, message):
    with pytest.raises(ValueError, match=message):
        CarryConv2D(blocks)


def test_blocks_that_do_not_fit_the_input():
    with pytest.raises(
        ValueError, match="read 5 channels. Received: .* with 4"
    ):
        CarryConv2D([block("identity", [0, 5], [0, 5])])(normal(1, 4, 4, 4))
    apart = [
        block("identity", [0, 2], [0, 2]),
        block("identity", [0, 2], [2, 4], strides=[2, 2]),
    ]
    with pytest.raises(ValueError, match=r"same size.*make \['2', '4'\] of 4"):
        CarryConv2D(apart)(normal(1, 4, 4, 2))
