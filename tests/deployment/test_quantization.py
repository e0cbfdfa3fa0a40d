"""Equalised channels compute the same; int8 files keep more of it."""

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.deployment.quantization import rounding
from keras_pnnh.deployment.quantization.links import find_links
from keras_pnnh.deployment.quantization.preparation import equalize, prepare
from keras_pnnh.deployment.quantization.statistics import measure_inputs
from keras_pnnh.deployment.report import ExportReport

BACKEND = keras.backend.backend()


def chain(uneven=1.0):
    """Depthwise and ordinary convolutions; some channels are much wider."""
    x = image = keras.Input((8, 8, 3))
    common = {"padding": "same", "bias_initializer": "random_normal"}
    x = keras.layers.Conv2D(8, 1, name="a", **common)(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.DepthwiseConv2D(3, name="b", **common)(x)
    x = keras.layers.ReLU()(keras.layers.ZeroPadding2D(1)(x))
    x = keras.layers.Conv2D(6, 3, activation="relu", name="c", **common)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(5, name="d")(x))
    for name in "ac":
        layer = model.get_layer(name)
        wide = np.geomspace(1 / uneven, uneven, layer.filters)
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        layer.kernel.assign(kernel * wide)
    return model


def pictures(count=40, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (count, 8, 8, 3)).astype("float32")


@pytest.mark.torch_only
def test_links_are_found_along_the_chain():
    names = [(a.name, b.name) for a, b in find_links(chain())]
    assert names == [("a", "b"), ("b", "c"), ("c", "d")]


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "between",
    [
        lambda: keras.layers.ReLU(6),
        lambda: keras.layers.Activation("gelu"),
        lambda: keras.layers.BatchNormalization(),
    ],
)
def test_what_a_factor_does_not_pass_is_no_link(between):
    image = keras.Input((8, 8, 3))
    x = between()(keras.layers.Conv2D(4, 3)(image))
    assert not find_links(keras.Model(image, keras.layers.Conv2D(2, 3)(x)))


@pytest.mark.torch_only
def test_a_shortcut_is_no_link():
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(3, 3, padding="same")(x)
    z = keras.layers.Conv2D(3, 3, padding="same")(y)
    z = keras.layers.Conv2D(3, 3, padding="same")(z)
    model = keras.Model(x, keras.layers.Add()([y, z]))
    (link,) = find_links(model)
    assert (link.first, link.second) == (model.layers[2], model.layers[3])


def test_equalised_it_computes_the_same_with_ranges_of_one_size():
    model, images = chain(uneven=30.0), pictures()
    expected = model.predict(images, verbose=0)

    def spread():
        largest = {
            layer.name: statistics.largest
            for layer, statistics in measure_inputs(model, images).items()
        }
        return {
            name: values[values > 0].max() / values[values > 0].min()
            for name, values in largest.items()
        }

    before = spread()
    equalize(model, images)
    after = spread()
    np.testing.assert_allclose(
        model.predict(images, verbose=0), expected, rtol=1e-3, atol=1e-4
    )
    assert before["b"] > 100 and after["b"] == pytest.approx(1, rel=1e-3)
    assert after["d"] < before["d"] / 2


def in_8_bits(model, images):
    """The results as a runtime computes them: kernels and activations."""
    from keras_pnnh import graph

    def run(layer, args, kwargs):
        if not hasattr(layer, "kernel"):
            return layer(*args, **kwargs)
        x = rounding.in_8_bits(keras.ops.convert_to_numpy(args[0]))
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        layer.kernel.assign(rounding.round_kernel(kernel, depthwise))
        outputs = layer(x)
        layer.kernel.assign(kernel)
        return outputs

    (outputs,) = graph.replay(model, [keras.ops.convert_to_tensor(images)], run)
    return keras.ops.convert_to_numpy(outputs)


def test_prepared_it_keeps_more_in_8_bits():
    model, images = chain(uneven=30.0), pictures()
    others = pictures(seed=1)
    expected = model.predict(others, verbose=0)
    made = prepare(model, images)
    np.testing.assert_array_equal(model.predict(others, verbose=0), expected)
    errors = [
        np.square(in_8_bits(one, others) - expected).mean()
        for one in (model, made)
    ]
    assert errors[1] < 0.5 * errors[0]


LAYERS = {
    "pointwise": lambda: keras.layers.Conv2D(6, 1),
    "strided": lambda: keras.layers.Conv2D(6, 3, 2, padding="same"),
    "dilated": lambda: keras.layers.Conv2D(5, 3, dilation_rate=2),
    "depthwise": lambda: keras.layers.DepthwiseConv2D(3, padding="same"),
    "multiplied": lambda: keras.layers.DepthwiseConv2D(3, depth_multiplier=2),
    "dense": lambda: keras.layers.Dense(4),
}


def correlated(shape=(16, 9, 9, 24)):
    """Channels and pixels that resemble each other, as features do."""
    draw = np.random.default_rng(0).normal
    image = draw(size=(shape[0], 1, 1, 1)) + draw(
        size=(shape[0], 1, 1, shape[3])
    )
    return (image + 0.3 * draw(size=shape)).astype("float32")


@pytest.mark.parametrize("name", list(LAYERS))
@pytest.mark.parametrize("levels", [7, 64])
def test_rounded_for_its_inputs_it_varies_less(name, levels):
    layer, x = LAYERS[name](), correlated()
    layer(x)
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    made = rounding.round_for_inputs(layer, kernel, x, levels)
    nearest = rounding.round_kernel(kernel, depthwise, levels)
    # The runtime, which rounds it once more, finds the same integers.
    np.testing.assert_allclose(
        rounding.round_kernel(made, depthwise, levels), made, atol=1e-6
    )
    exact = keras.ops.convert_to_numpy(layer(x))
    errors = []
    for rounded in (nearest, made):
        layer.kernel.assign(rounded)
        error = keras.ops.convert_to_numpy(layer(x)) - exact
        errors.append(error.reshape(-1, error.shape[-1]).var(0).mean())
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [8, 9])
def test_windows_are_what_a_kernel_sees(padding, strides, size, monkeypatch):
    """Products with them are outputs of the layer."""
    monkeypatch.setattr(rounding, "ROWS", 20)
    x = np.random.default_rng(0).normal(size=(2, size, size, 3))
    layer = keras.layers.Conv2D(1, 3, strides, padding=padding)
    outputs = keras.ops.convert_to_numpy(layer(x.astype("float32"))).ravel()
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    seen = rounding.sample_windows(layer, kernel, x)
    for window in seen:
        product = (window * kernel[..., 0].reshape(9, 3)).sum()
        assert np.abs(outputs - product).min() < 1e-4


FORMATS = {"tensorflow": ["litert_int8"], "torch": ["onnx_int8"], "jax": []}


@pytest.mark.parametrize("format", FORMATS[BACKEND])
def test_an_int8_file_of_a_prepared_network(format, tmp_path):
    model, images = chain(uneven=30.0), pictures(60)
    suffix = ".tflite" if "litert" in format else ".onnx"
    found = {}
    for equalized in (False, True):
        report = keras_pnnh.export(
            model,
            tmp_path / f"net{suffix}",
            format,
            representative=images,
            equalize=equalized,
        )
        assert report.images == 12  # every fifth did not calibrate
        found[equalized] = report.signal_to_noise
        assert ("equalised" in str(report)) == equalized
        assert "dB" in str(report)
    # ONNX's kernels have a scale for each channel: there it must not harm.
    gain = 3 if format == "litert_int8" else -3
    assert found[True] > found[False] + gain and found[True] > 15


@pytest.mark.torch_only
def test_below_85_percent_is_the_first_line():
    report = ExportReport("onnx_int8", "net.onnx", 1, "torch", "onnxruntime")
    report = report._replace(
        images=100,
        largest_difference=1.0,
        relative_difference=0.5,
        top1_agreement=0.8,
    )
    first = str(report).splitlines()[0]
    assert first.startswith("WARNING: only 80.0 % of the images")
    report = report._replace(top1_agreement=0.85)
    assert "WARNING" not in str(report)
