"""Kernels of which no processor adds a pair beyond 16 bits."""

import importlib
import warnings

import keras
import numpy as np
import pytest

from keras_pnnh.deployment.formats import onnx_int8
from keras_pnnh.deployment.quantization import levels, rounding
from keras_pnnh.deployment.quantization.correction import round_layers

pytestmark = pytest.mark.torch_only


def kernel_of(*rows):
    """One output of a pointwise kernel for each row of numbers."""
    return np.array(rows, "float32").T[None, None]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((1.0, 0.0, -0.31416), 127),
        ((1.0, -1.0), 127),  # of two signs they do not add up
        ((1.0, 1.0), 64),
        ((0.0, 1.0, 1.0, 0.0), 127),  # each has another neighbour
        ((1.0, 0.50123), 85),
        ((0.0, 0.0), 127),
    ],
)
def test_a_channel_has_as_many_as_its_neighbours_leave(row, expected):
    assert levels.levels_for_pairs(kernel_of(row)) == [expected]


def test_of_a_rounded_kernel_the_same_are_found():
    draw = np.random.default_rng(0).normal
    kernel = draw(size=(3, 3, 7, 40)).astype("float32")
    found = levels.levels_for_pairs(kernel)
    assert found.min() >= 64 and len(set(found)) > 5
    rounded = rounding.round_kernel(kernel, False, found)
    np.testing.assert_array_equal(levels.levels_for_pairs(rounded), found)


def test_pairs_are_those_of_every_tap():
    assert levels.find_neighbours(6, 3) == {0: 1, 1: 0, 3: 4, 4: 3}
    integers = np.arange(6).reshape(2, 1, 3, 1)
    np.testing.assert_array_equal(levels.pair_sums(integers), [[1], [7]])


@pytest.mark.parametrize("inputs", [4, 5])
def test_rounded_for_its_inputs_no_pair_overflows(inputs):
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(16, 9, 9, 1))
    x = shared + 0.2 * generator.normal(size=(16, 9, 9, inputs))
    layer = keras.layers.Conv2D(30, 3)
    layer(x.astype("float32"))
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    found = levels.levels_for_pairs(kernel)
    made = rounding.round_for_inputs(layer, kernel, x, found, pairs=True)
    scale = rounding.kernel_scale(kernel, False, found)
    integers = np.round(made / scale)
    np.testing.assert_allclose(integers * scale, made, atol=1e-6)
    assert levels.pair_sums(integers).max() <= levels.PAIR
    free = rounding.round_for_inputs(layer, kernel, x, found)
    assert levels.pair_sums(np.round(free / scale)).max() > levels.PAIR


def test_a_file_has_the_integers_of_the_prepared_kernels(tmp_path):
    image = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    x = keras.layers.DepthwiseConv2D(3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(5)(x))
    images = np.random.default_rng(0).normal(size=(20, 8, 8, 4))
    images = images.astype("float32")
    round_layers(model, images, pairs=True)
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter, as `export` does
        onnx_int8.quantize(model, path, images, pairs=True)
    written = kernels_of(path)
    for variable in model.trainable_variables:
        kernel = keras.ops.convert_to_numpy(variable)
        if kernel.ndim == 1:
            continue
        integers, values = written[kernel.size]
        np.testing.assert_allclose(
            np.sort(values.ravel()), np.sort(kernel.ravel()), atol=1e-6
        )
        if integers.ndim == 4:
            turned = integers.transpose(2, 3, 1, 0)
            assert levels.pair_sums(turned).max(initial=0) <= levels.PAIR


def kernels_of(path):
    """Dictionary from sizes to the integers of a file and what they mean."""
    package = importlib.import_module("onnx")
    graph = package.load(path).graph
    read = package.numpy_helper.to_array
    kept = {tensor.name: read(tensor) for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        integers = kept.get(node.input[0])
        if node.op_type != "DequantizeLinear" or integers is None:
            continue
        if integers.dtype == np.int8:
            axis = next(
                part.i for part in node.attribute if part.name == "axis"
            )
            shape = np.where(np.arange(integers.ndim) == axis, -1, 1)
            scale = kept[node.input[1]].reshape(shape)
            integers = integers.astype(int)
            found[integers.size] = integers, integers * scale
    return found
