import keras
import numpy as np
import pytest
from harness import (
    CHANNELS_FIRST_WORKS,
    check_layer,
    randomize,
    to_numpy,
)

from keras_pnnh.layers import PlainDepthwiseConv2D
from keras_pnnh.layers.plain_depthwise_conv2d import NORMS


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def expected_outputs(layer, x, training):
    """The table in the docstring of `PlainDepthwiseConv2D`, in NumPy."""
    values = {
        variable.name: np.array(to_numpy(variable)).astype("float64")
        for variable in layer.variables
    }
    size, step = layer.kernel_size, layer.strides
    border = (size // 2, size // 2)
    padded = np.pad(x.astype("float64"), [(0, 0), border, border, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (size, size), (1, 2)
    )[:, ::step, ::step]
    learned = np.einsum("bhwcij,ijc->bhwc", windows, values["kernel"][..., 0])
    code = x[:, ::step, ::step].astype("float64")
    code[..., layer.code_filters :] = 0
    if layer.norm is None:
        return learned + code + values["bias"]
    if layer.norm == "sum":
        learned = learned + code
    mean, variance = values["moving_mean"], values["moving_variance"]
    if training:
        mean, variance = learned.mean((0, 1, 2)), learned.var((0, 1, 2))
    outputs = (learned - mean) / np.sqrt(variance + layer.epsilon)
    outputs = outputs * values["gamma"] + values["beta"]
    if layer.norm == "learner" and layer.code_filters:
        spare = x.shape[-1] - layer.code_filters
        outputs += np.pad(values["coder_scale"], (0, spare)) * code
    return outputs


@pytest.mark.parametrize("norm", ["sum", None])
@pytest.mark.parametrize("code_filters", [2, 3])
def test_is_a_well_behaved_layer(tmp_path, norm, code_filters):
    kwargs = {
        "kernel_size": 5,
        "strides": 2,
        "code_filters": code_filters,
        "norm": norm,
        "learner_gain": 0.5,
        "momentum": 0.8,
        "epsilon": 1e-3,
    }
    trainable = 2 if norm is None else 3
    check_layer(
        PlainDepthwiseConv2D, kwargs, [(4, 5, 6, 3)], trainable, tmp_path
    )


def test_the_default_norm_is_well_behaved(tmp_path):
    kwargs = {"code_filters": 2, "learner_gain": 0.3}
    check_layer(PlainDepthwiseConv2D, kwargs, [(4, 5, 6, 3)], 4, tmp_path)


@pytest.mark.parametrize("size", [(6, 6), (5, 7), (1, 2)])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("norm", NORMS)
def test_equals_numpy(norm, strides, kernel_size, size):
    x = normal(4, *size, 3)
    for code_filters in (0, 2, 3):
        layer = PlainDepthwiseConv2D(
            kernel_size, strides, code_filters, norm, epsilon=0.01
        )
        layer(x)
        randomize(layer, seed=1)
        for training in (False, True):
            expected = expected_outputs(layer, x, training)
            outputs = to_numpy(layer(x, training=training))
            assert outputs.shape == layer.compute_output_shape(x.shape)
            np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not CHANNELS_FIRST_WORKS, reason="CPU kernels lack it")
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("norm", NORMS)
def test_channels_first_equals_channels_last(norm, strides):
    x = normal(4, 5, 6, 3)
    swapped = np.moveaxis(x, -1, 1)
    last = PlainDepthwiseConv2D(
        3, strides, 2, norm, data_format="channels_last"
    )
    first = PlainDepthwiseConv2D(
        3, strides, 2, norm, data_format="channels_first"
    )
    last(x)
    first(swapped)
    randomize(last, seed=1)
    first.set_weights(last.get_weights())
    for training in (False, True):
        outputs = to_numpy(first(swapped, training=training))
        assert outputs.shape == first.compute_output_shape(swapped.shape)
        np.testing.assert_allclose(
            np.moveaxis(outputs, 1, -1),
            to_numpy(last(x, training=training)),
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("norm", ["learner", None])
def test_the_code_comes_from_the_pixel_of_a_strided_shortcut(norm, size):
    x = normal(2, size, size, 3)
    layer = PlainDepthwiseConv2D(3, 2, code_filters=2, norm=norm)
    layer(x)
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    outputs = to_numpy(layer(x))
    np.testing.assert_allclose(
        outputs[..., :2], x[:, ::2, ::2, :2], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(outputs[..., 2:], 0)


def test_without_a_code_it_is_depthwise_convolution_and_batch_norm():
    x = normal(4, 6, 7, 3)
    layer = PlainDepthwiseConv2D(3)
    layer(x)
    assert layer.coder_scale is None
    randomize(layer, seed=1)
    convolution = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False
    )
    batch_norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    reference = keras.Sequential([convolution, batch_norm])
    reference.build(x.shape)
    convolution.set_weights([to_numpy(layer.kernel)])
    batch_norm.set_weights(layer.batch_norm.get_weights())
    for training in (True, False):
        np.testing.assert_allclose(
            to_numpy(layer(x, training=training)),
            to_numpy(reference(x, training=training)),
            rtol=1e-4,
            atol=1e-5,
        )
    np.testing.assert_allclose(
        to_numpy(layer.batch_norm.moving_variance),
        to_numpy(batch_norm.moving_variance),
        rtol=1e-5,
    )


def test_the_gain_is_relative_to_the_taps_of_one_channel():
    x = normal(1, 3, 3, 2048)
    layers = {
        norm: PlainDepthwiseConv2D(norm=norm, learner_gain=0.3)
        for norm in NORMS
    }
    for layer in layers.values():
        layer(x)
    he = np.sqrt(2 / 9)
    for norm, factor in (("learner", 1.0), ("sum", 0.3), (None, 0.3)):
        spread = np.std(to_numpy(layers[norm].kernel))
        assert spread == pytest.approx(factor * he, rel=0.03)
    gamma = to_numpy(layers["learner"].batch_norm.gamma)
    np.testing.assert_allclose(gamma, 0.3)
    gamma = to_numpy(layers["sum"].batch_norm.gamma)
    np.testing.assert_allclose(gamma, 1.0)


@pytest.mark.parametrize(
    ("arguments", "rule", "received"),
    [
        ({"kernel_size": 2}, "must be odd", "kernel_size=2. Try 3"),
        ({"kernel_size": 0}, "positive integer", "kernel_size=0"),
        ({"strides": 1.5}, "positive integer", "strides=1.5"),
        ({"norm": "kernel"}, "must be one of", "norm='kernel'"),
        ({"code_filters": 4}, "into the 3 channels", "code_filters=4"),
        ({"code_filters": -1}, "of at least 0", "code_filters=-1"),
        ({"code_filters": 1.5}, "of at least 0", "code_filters=1.5"),
        ({"data_format": "NHWC"}, "`data_format`", "data_format='NHWC'"),
    ],
)
def test_wrong_arguments(arguments, rule, received):
    with pytest.raises(ValueError) as error:
        PlainDepthwiseConv2D(**arguments)(normal(1, 4, 4, 3))
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)
