import keras
import numpy as np
import pytest
from harness import check_layer, randomize, to_numpy

from keras_pnnh.pass_through.layers import CarryNormalization


def piece(inputs, epsilon=None, **entries):
    return {
        "inputs": inputs,
        "epsilon": epsilon,
        "statistics": None,
        "rms": False,
        "use_scale": False,
        "use_bias": False,
        **entries,
    }


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


OWN = piece([0, 3], 1e-3, use_scale=True, use_bias=True)
OF_OTHERS = piece([1, 3], 1e-2, statistics=[2, 6], use_bias=True)
RMS = piece([2, 6], 1e-3, rms=True, use_scale=True)


def test_is_a_well_behaved_layer(tmp_path):
    pieces = [piece([4, 6]), OWN, OF_OTHERS, RMS]
    kwargs = {"pieces": pieces}
    check_layer(CarryNormalization, kwargs, [(4, 3, 6)], 4, tmp_path)


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        (OWN, keras.layers.LayerNormalization(epsilon=1e-3)),
        (RMS, keras.layers.RMSNormalization(epsilon=1e-3)),
    ],
)
def test_a_piece_equals_the_layer_of_keras(given, reference):
    x = 3 * normal(2, 4, 6) + 5
    layer = CarryNormalization([piece([0, 2]), given])
    layer(x)
    randomize(layer, seed=3)
    got = to_numpy(layer(x))
    own = x[..., slice(*given["inputs"])]
    reference(own)
    reference.set_weights([to_numpy(weight) for weight in layer.weights])
    want = to_numpy(reference(own))
    np.testing.assert_allclose(got[..., 2:], want, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(got[..., :2], x[..., :2])
    assert layer.pass_through_channels == 2


def test_the_deviation_of_other_channels_divides():
    x = 3 * normal(2, 4, 6) + 5
    layer = CarryNormalization([OF_OTHERS])
    layer(x)
    randomize(layer, seed=3)
    got = to_numpy(layer(x))
    variance = x[..., 2:].var(axis=-1, keepdims=True)
    want = x[..., 1:3] / np.sqrt(variance + 1e-2) + to_numpy(layer.weights[0])
    np.testing.assert_allclose(got, want, rtol=1e-5)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "at least one piece: .* Received: pieces="),
        ([piece([2, 2])], r"`inputs` .* range of channels.*\[2, 2\]"),
        (
            [piece([0, 2], 0.1, statistics=[3, 1])],
            r"`statistics` .* range of channels.*\[3, 1\]",
        ),
        ([piece([0, 2], rms=True)], "passes its channels.*rms=True"),
        ([piece([0, 2], -1.0)], "at least 0. Received: epsilon=-1.0"),
    ],
)
def test_arguments_out_of_range(pieces, message):
    with pytest.raises(ValueError, match=message):
        CarryNormalization(pieces)


def test_pieces_that_do_not_fit_the_input():
    layer = CarryNormalization([piece([0, 1], 0.1, statistics=[0, 3])])
    with pytest.raises(
        ValueError, match="read 3 channels. Received: .* with 2"
    ):
        layer(normal(1, 2, 2))
