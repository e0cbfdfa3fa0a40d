import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy

from keras_pnnh.pass_through.layers import CarryActivation
from keras_pnnh.pass_through.layers.carry_activation import ELEMENTWISE


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def piece(start, stop, activation=None, **arguments):
    return {
        "inputs": [start, stop],
        "activation": activation,
        "arguments": arguments,
    }


PIECES = [piece(2, 5, "relu", max_value=0.5), piece(1, 5), piece(0, 1, "gelu")]


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_is_a_well_behaved_layer(tmp_path, data_format):
    first = data_format == "channels_first"
    shape = (4, 5, 3, 2) if first else (4, 3, 2, 5)
    kwargs = {"pieces": PIECES, "data_format": data_format}
    check_layer(CarryActivation, kwargs, [shape], 0, tmp_path)


def test_clips_the_learner_and_passes_the_carried():
    x = 9 * normal(2, 4, 3, 5)
    layer = CarryActivation([piece(0, 2, "relu6"), piece(2, 5)])
    got = to_numpy(layer(x))
    assert x[..., :2].max() > 6 > 0 > x[..., :2].min()
    np.testing.assert_array_equal(got[..., :2], x[..., :2].clip(0, 6))
    np.testing.assert_array_equal(got[..., 2:], x[..., 2:])
    assert layer.pass_through_channels == 3


def test_channels_read_twice_are_copied():
    x = normal(2, 4, 3, 2)
    got = to_numpy(CarryActivation([piece(0, 2, "relu"), piece(0, 2)])(x))
    want = np.concatenate([np.maximum(x, 0), x], -1)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_every_activation_acts_on_one_number(name):
    """Channels alone and beside others give the same."""
    x = normal(2, 2, 2, 4)
    function, arguments = getattr(keras.activations, name, None), {}
    if name == "clip":
        function, arguments = keras.ops.clip, {"x_min": -0.5, "x_max": 0.2}
    apart = np.concatenate(
        [to_numpy(function(x[..., i : i + 1], **arguments)) for i in range(4)],
        -1,
    )
    got = to_numpy(CarryActivation([piece(0, 4, name, **arguments)])(x))
    np.testing.assert_allclose(got, apart, rtol=1e-5, atol=1e-6)
    assert np.abs(got - x).max() > 1e-3


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "at least one piece: .* Received: pieces="),
        ([piece(2, 2)], r"range of channels.*\[2, 2\]"),
        ([piece(0, 2, "softmax")], "one of .*activation='softmax'"),
        ([piece(0, 2, "relu", alpha=1)], "arguments={'alpha': 1}"),
        ([piece(0, 2, None, alpha=1)], "activation=None, arguments="),
    ],
)
def test_arguments_out_of_range(pieces, message):
    with pytest.raises(ValueError, match=message):
        CarryActivation(pieces)


def test_pieces_that_do_not_fit_the_input():
    with pytest.raises(
        ValueError, match="read 3 channels. Received: .* with 2"
    ):
        CarryActivation([piece(0, 3)])(normal(1, 2, 2, 2))
