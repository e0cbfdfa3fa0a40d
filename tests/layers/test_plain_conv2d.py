import keras
import numpy as np
import pytest
from harness import (
    CHANNELS_FIRST_WORKS,
    check_layer,
    randomize,
    to_numpy,
)

from keras_pnnh import theory
from keras_pnnh.layers import PlainConv2D
from keras_pnnh.layers._initial_values import replaced_later
from keras_pnnh.layers.plain_conv2d import NORMS

SIZES = [(6, 6), (5, 7), (1, 2)]


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def convolve(x, kernel, strides):
    """Convolution with `kernel_size // 2` zeros on each side, in float64."""
    size, _, channels, filters = kernel.shape
    border = (size // 2, size // 2)
    x = np.pad(x.astype("float64"), [(0, 0), border, border, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
    windows = windows[:, ::strides, ::strides]
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel)


def normalize(x, weights, epsilon, training):
    gamma, beta, mean, variance = weights
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def expected_outputs(layer, x, coder, training):
    """The table in the docstring of `PlainConv2D`, in NumPy."""
    values = {
        variable.name: np.array(to_numpy(variable))
        for variable in layer.variables
    }
    norm = [
        values.get(name)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    kernel = values["kernel"].astype("float64")
    if layer.norm == "kernel":
        kernel = theory.standardize_kernel(kernel, values["gamma"])
    code = ((layer.code_channels, 0), (layer.code_filters, 0))
    if layer.norm == "learner" and layer.code_filters:
        learned = convolve(x[..., layer.code_channels :], kernel, layer.strides)
        learned = normalize(learned, norm, layer.epsilon, training)
        carried = convolve(
            x[..., : len(coder)], coder[None, None], layer.strides
        )
        return np.concatenate([carried, learned], axis=-1)
    kernel = np.pad(kernel, ((0, 0), (0, 0), *code))
    carried = np.zeros(kernel.shape[2:])
    if coder is not None:
        carried[: coder.shape[0], : coder.shape[1]] = coder
    carried = convolve(x, carried[None, None], layer.strides)
    learned = convolve(x, kernel, layer.strides)
    if layer.norm == "learner":
        scale = values.get("coder_scale", 0.0)
        learned = normalize(learned, norm, layer.epsilon, training)
        return learned + scale * carried
    if layer.norm == "sum":
        return normalize(learned + carried, norm, layer.epsilon, training)
    scale = values.get("coder_scale", 1.0)
    return learned + scale * carried + values["bias"]


@pytest.mark.parametrize("norm", ["sum", "kernel", None])
@pytest.mark.parametrize("coder_shape", [None, (3, 4)])
def test_is_a_well_behaved_layer(tmp_path, norm, coder_shape):
    kwargs = {
        "filters": 5,
        "kernel_size": 5,
        "strides": 2,
        "norm": norm,
        "learner_gain": 0.5,
        "momentum": 0.8,
        "epsilon": 1e-3,
    }
    shapes = [(4, 5, 6, 3)] + ([coder_shape] if coder_shape else [])
    trainable = 2 if norm is None else 3
    trainable += norm == "kernel" and coder_shape is not None
    check_layer(PlainConv2D, kwargs, shapes, trainable, tmp_path)


@pytest.mark.parametrize("coder_shape", [None, (2, 5)])
def test_the_default_norm_is_well_behaved(tmp_path, coder_shape):
    kwargs = {"filters": 5, "kernel_size": 1, "learner_gain": 0.3}
    shapes = [(4, 5, 6, 3)] + ([coder_shape] if coder_shape else [])
    trainable = 3 + (coder_shape is not None)
    check_layer(PlainConv2D, kwargs, shapes, trainable, tmp_path)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("norm", NORMS)
def test_equals_numpy(norm, strides, kernel_size, size):
    x = normal(4, *size, 3)
    for coder in (None, normal(3, 5), normal(2, 4)):
        layer = PlainConv2D(5, kernel_size, strides, norm, epsilon=0.01)
        arguments = (x,) if coder is None else (x, coder)
        layer(*arguments)
        randomize(layer, seed=1)
        for training in (False, True):
            expected = expected_outputs(layer, x, coder, training)
            outputs = to_numpy(layer(*arguments, training=training))
            assert outputs.shape == layer.compute_output_shape(x.shape)
            np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("code", [(0, 2), (2, 0), (2, 3)])
def test_a_code_in_channels_of_its_own(code, norm, strides):
    x = normal(4, 5, 6, 3)
    code_channels, code_filters = code
    layer = PlainConv2D(
        *(5, 3, strides, norm),
        epsilon=0.01,
        code_channels=code_channels,
        code_filters=code_filters,
    )
    coder = normal(code_channels or 3, code_filters or 5)
    layer(x, coder)
    learner = (3, 3, 3 - code_channels, 5 - code_filters)
    assert tuple(layer.kernel.shape) == layer.learner_shape == learner
    randomize(layer, seed=1)
    for training in (False, True):
        expected = expected_outputs(layer, x, coder, training)
        outputs = to_numpy(layer(x, coder, training=training))
        assert outputs.shape == layer.compute_output_shape(x.shape)
        np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["learner", "sum", "kernel", None])
def test_a_layer_with_channels_for_a_code_is_well_behaved(tmp_path, norm):
    kwargs = {
        "filters": 5,
        "learner_gain": 0.5,
        "code_filters": 2,
        "code_channels": 1,
    }
    if norm != "learner":  # which is the default
        kwargs["norm"] = norm
    trainable = 2 if norm is None else 3
    shapes = [(4, 5, 6, 3), (1, 2)]
    check_layer(PlainConv2D, kwargs, shapes, trainable, tmp_path)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_the_code_of_one_layer_is_left_alone_by_the_next(kernel_size):
    """`x' = D phi(E x)` where the learners are silent."""
    x, encoder, decoder = normal(2, 5, 6, 3), normal(3, 2), normal(2, 3)
    first = PlainConv2D(5, kernel_size, code_filters=2)
    second = PlainConv2D(3, kernel_size, code_channels=2)
    hidden = np.maximum(to_numpy(first(x, encoder)), 0)
    second(hidden, decoder)
    second.batch_norm.gamma.assign(np.zeros(3))
    expected = np.maximum(x @ encoder, 0) @ decoder
    np.testing.assert_allclose(
        to_numpy(second(hidden, decoder)), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("shape", [None, (2, 2), (1, 3), (3, 5)])
def test_a_coder_that_misses_the_channels_of_the_code(shape):
    layer = PlainConv2D(5, code_channels=1, code_filters=2, name="two")
    coder = None if shape is None else normal(*shape)
    received = (
        "coder_kernel=None. Pass it"
        if shape is None
        else rf"a coder matrix of shape \({shape[0]}, {shape[1]}\)"
    )
    with pytest.raises(ValueError, match=f"'two' .*Received: {received}"):
        layer(normal(2, 4, 4, 3), coder)


def test_unknown_channels():
    with pytest.raises(ValueError, match="must know the channels.*Received"):
        PlainConv2D(5)(keras.Input((4, 4, None)))


def test_a_code_that_takes_all_channels_of_the_input():
    layer = PlainConv2D(5, code_channels=3)
    with pytest.raises(
        ValueError, match="code_channels=3 with 3 input channels"
    ):
        layer(normal(2, 4, 4, 3), normal(3, 5))


def test_training_moves_the_statistics_by_the_momentum():
    layer = PlainConv2D(4, momentum=0.75)
    x = normal(8, 5, 5, 3)
    layer(x, training=False)
    means = [to_numpy(layer.batch_norm.moving_mean)]
    for training in (False, True):
        layer(x, training=training)
        means.append(to_numpy(layer.batch_norm.moving_mean))
    np.testing.assert_array_equal(means[0], means[1])
    batch = convolve(x, to_numpy(layer.kernel), 1).mean((0, 1, 2))
    np.testing.assert_allclose(means[2], 0.25 * batch, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not CHANNELS_FIRST_WORKS, reason="CPU kernels lack it")
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("code", [(0, 0), (1, 2)])
def test_channels_first_equals_channels_last(code, norm, strides):
    x, coder = normal(4, 5, 6, 3), normal(code[0] or 3, code[1] or 5)
    last, first = (
        PlainConv2D(
            *(5, 3, strides, norm),
            data_format=data_format,
            code_channels=code[0],
            code_filters=code[1],
        )
        for data_format in ("channels_last", "channels_first")
    )
    swapped = np.moveaxis(x, -1, 1)
    last(x, coder)
    first(swapped, coder)
    randomize(last, seed=1)
    first.set_weights(last.get_weights())
    for training in (False, True):
        expected = to_numpy(last(x, coder, training=training))
        outputs = to_numpy(first(swapped, coder, training=training))
        assert outputs.shape == first.compute_output_shape(swapped.shape)
        np.testing.assert_allclose(
            np.moveaxis(outputs, 1, -1), expected, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("norm", ["learner", None])
def test_coder_reads_the_pixel_of_a_strided_shortcut(norm, kernel_size, size):
    x = normal(2, size, size, 3)
    layer = PlainConv2D(3, kernel_size, strides=2, norm=norm)
    layer(x, np.eye(3, dtype="float32"))
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    outputs = to_numpy(layer(x, np.eye(3, dtype="float32")))
    np.testing.assert_allclose(outputs, x[:, ::2, ::2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_without_a_coder_it_is_convolution_and_batch_norm(kernel_size):
    x = normal(4, 6, 7, 3)
    layer = PlainConv2D(5, kernel_size)
    layer(x)
    randomize(layer, seed=1)
    convolution = keras.layers.Conv2D(
        5, kernel_size, padding="same", use_bias=False
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


def test_learner_gain_sets_gamma_or_the_scale_of_the_kernel():
    x = normal(1, 3, 3, 32)
    layers = {
        norm: PlainConv2D(64, norm=norm, learner_gain=0.3) for norm in NORMS
    }
    for layer in layers.values():
        layer(x)
    he = np.sqrt(2 / (9 * 32))
    spread = {
        norm: np.std(to_numpy(layer.kernel)) for norm, layer in layers.items()
    }
    assert spread["learner"] == pytest.approx(he, rel=0.03)
    assert spread["sum"] == pytest.approx(0.3 * he, rel=0.03)
    assert spread[None] == pytest.approx(0.3 * he, rel=0.03)
    gammas = [to_numpy(layers[norm].batch_norm.gamma) for norm in NORMS[:2]]
    np.testing.assert_allclose(gammas[0], 0.3)
    np.testing.assert_allclose(gammas[1], 1.0)


@pytest.mark.parametrize("learner_gain", [0.3, 1.0])
def test_a_normalised_kernel_keeps_the_scale_of_a_rectified_normal(
    learner_gain,
):
    x = theory.sample((64, 8, 8, 256), 0).astype("float32")
    layer = PlainConv2D(256, norm="kernel", learner_gain=learner_gain)
    outputs = to_numpy(layer(x, np.eye(256, dtype="float32")))
    inner = outputs[:, 1:-1, 1:-1]  # off the border of zeros
    carried = 1 - learner_gain**2
    expected = learner_gain**2 + carried * theory.VARIANCE
    assert inner.var() == pytest.approx(expected, rel=0.05)
    assert inner.mean() == pytest.approx(carried**0.5 * theory.MEAN, abs=0.02)


def test_a_normalised_learner_leaves_no_room_for_a_gain_above_one():
    layer = PlainConv2D(4, norm="kernel", learner_gain=1.5)
    with pytest.raises(ValueError, match="at most 1. Received: learner_gain=1"):
        layer(normal(1, 3, 3, 4), np.eye(4, dtype="float32"))


@pytest.mark.parametrize(
    ("kwargs", "rule", "received"),
    [
        ({"kernel_size": 4}, "must be odd", "kernel_size=4. Try 5"),
        (
            {"kernel_size": 0},
            "`kernel_size` must be a positive",
            "kernel_size=0",
        ),
        ({"strides": 0}, "`strides` must be a positive", "strides=0"),
        ({"filters": -1}, "`filters` must be a positive", "filters=-1"),
        (
            {"code_filters": 4},
            "`code_filters` must be 0 or a positive integer less than",
            "code_filters=4 with 4 filters",
        ),
        ({"code_channels": -1}, "`code_channels` must", "code_channels=-1."),
        ({"norm": "batch"}, "`norm` of a `PlainConv2D` must", "norm='batch'"),
        (
            {"data_format": "NHWC"},
            "channels_last",
            "data_format='NHWC'",
        ),
    ],
)
def test_arguments_out_of_range(kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        PlainConv2D(**{"filters": 4, **kwargs})
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(4, 5), (3, 6)])
def test_a_coder_that_does_not_fit(norm, shape):
    layer = PlainConv2D(5, norm=norm, name="narrow")
    rule = (
        r"'narrow' must fit.*3 input channels and 5 filters. Received: a coder "
        rf"matrix of shape \({shape[0]}, {shape[1]}\)"
    )
    with pytest.raises(ValueError, match=rule):
        layer(normal(2, 4, 4, 3), normal(*shape))
    layer = PlainConv2D(5, norm=norm, name="narrow")
    layer(normal(2, 4, 4, 3), normal(3, 5))
    with pytest.raises(ValueError, match=rule):
        layer(normal(2, 4, 4, 3), normal(*shape))


def test_a_coder_that_comes_too_late():
    layer = PlainConv2D(5, name="late")
    layer(normal(2, 4, 4, 3))
    rule = r"'late' was built without a coder.*Received.*\(3, 5\)"
    with pytest.raises(ValueError, match=rule):
        layer(normal(2, 4, 4, 3), normal(3, 5))


def test_kernels_that_a_checkpoint_replaces_are_not_drawn():
    with replaced_later():
        layer = PlainConv2D(4)
        layer.build((None, 8, 8, 3))
        assert not to_numpy(layer.kernel).any()
    layer = PlainConv2D(4)
    layer.build((None, 8, 8, 3))
    assert to_numpy(layer.kernel).all()
