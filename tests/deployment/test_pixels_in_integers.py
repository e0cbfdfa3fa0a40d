"""Pixels keep their levels on the way to the first kernel."""

import importlib
import warnings

import keras
import numpy as np
import pytest

from keras_pnnh.deployment.formats import onnx_int8
from keras_pnnh.deployment.quantization.correction import round_layers
from keras_pnnh.deployment.quantization.pixels import move_to_grid
from keras_pnnh.deployment.quantization.rounding import in_8_bits

SCALE, OFFSET = 1 / 127.5, -1.0


def network(
    scale=SCALE, offset=OFFSET, use_bias=True, readers=1, padding=0, groups=1
):
    """A `Rescaling`, and one or two convolutions that read it."""
    image = keras.Input((6, 6, 3))
    x = keras.layers.Rescaling(scale, offset, name="pixels")(image)
    if padding:
        x = keras.layers.ZeroPadding2D(padding)(x)
    x = [
        keras.layers.Conv2D(
            4 * groups,
            3,
            use_bias=use_bias,
            groups=groups,
            name=f"read{index}",
        )(x)
        for index in range(readers)
    ]
    x = [keras.layers.GlobalAveragePooling2D()(one) for one in x]
    return keras.Model(image, x)


def pixels(count=30):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 6, 6, 3)).astype("float32")
    images[0, 0, 0] = 0
    images[0, 0, 1] = 255
    return images


@pytest.mark.parametrize("padding", [0, 1])
def test_every_pixel_has_an_integer_of_its_own(padding):
    model, images = network(padding=padding), pixels()
    expected = model.predict(images, verbose=0)
    layer = model.get_layer("pixels")
    levels = np.arange(256, dtype="float32").reshape(1, 16, 16, 1)
    exact = keras.ops.convert_to_numpy(layer(levels))
    # Halfway between two of them.
    assert np.abs(in_8_bits(exact) - exact).max() > 0.49 * SCALE
    made = keras.models.clone_model(model)
    made.set_weights(model.get_weights())
    layer = made.get_layer("pixels")
    rests = move_to_grid(made, images)
    assert rests == {layer: pytest.approx(0.5)}
    assert (layer.scale, layer.offset) == (1.0, -128.0)
    wanted = keras.ops.convert_to_numpy(layer(levels))
    np.testing.assert_array_equal(in_8_bits(wanted), wanted)
    # With the rest of the offset it is the same network.
    layer.offset += rests[layer]
    found = made.predict(images, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "settings",
    [
        {"use_bias": False},
        {"readers": 2},
        {"groups": 3},
        {"scale": [1.0, 1.0, 2.0]},
        {"scale": 0.0},
    ],
)
def test_an_offset_that_no_bias_makes_up_for_stays(settings):
    model = network(**settings)
    assert not move_to_grid(model, pixels())
    assert model.get_layer("pixels").offset == OFFSET


@pytest.mark.torch_only
def test_a_rescaling_that_others_see_stays():
    image = keras.Input((6, 6, 3))
    scaling = keras.layers.Rescaling(SCALE, OFFSET)
    x = scaling(image)
    read = [keras.layers.Conv2D(2, 3)(x) for x in (x, scaling(image))]
    assert not move_to_grid(keras.Model(image, read), pixels())
    assert not move_to_grid(keras.Model(image, [read[0], x]), pixels())
    assert len(move_to_grid(keras.Model(image, read[0]), pixels())) == 1


def test_the_bias_makes_up_for_it():
    model, images = network(), pixels()
    expected = model.predict(images, verbose=0)
    kernel = keras.ops.convert_to_numpy(model.get_layer("read0").kernel)
    made = keras.models.clone_model(model)
    made.set_weights(model.get_weights())
    round_layers(made, images)
    moved = made.predict(images, verbose=0) - expected
    # Without the bias all outputs would be off by the sum of a kernel.
    alone = kernel.sum((0, 1, 2)) * 0.5 * SCALE
    np.testing.assert_allclose(moved.mean(0), 0, atol=1e-5)
    assert np.abs(alone).max() > 1e-3


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The signed file, and that with unsigned kernels."""
    folder = tmp_path_factory.mktemp("files")
    keras.utils.set_random_seed(0)
    model = network(padding=1)
    signed, unsigned = folder / "signed.onnx", folder / "unsigned.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter, as `export` does
        onnx_int8.quantize(model, signed, pixels())
        onnx_int8.write(model, unsigned, pixels())
    return signed, unsigned


@pytest.mark.torch_only
def test_unsigned_kernels_stand_for_the_same(files):
    package = importlib.import_module("onnx")
    runtime = importlib.import_module("onnxruntime")
    settings = runtime.SessionOptions()
    # As the file says it, without the integer kernels of the runtime.
    settings.graph_optimization_level = (
        runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    )
    results, kinds = [], []
    for path in files:
        session = runtime.InferenceSession(path, settings)
        given = {session.get_inputs()[0].name: pixels()}
        results.append(session.run(None, given)[0])
        kept = package.load(path).graph.initializer
        kinds.append(
            {
                str(package.numpy_helper.to_array(tensor).dtype)
                for tensor in kept
                if list(tensor.dims) == [4, 3, 3, 3]
            }
        )
    np.testing.assert_array_equal(*results)
    assert kinds == [{"int8"}, {"uint8"}]


@pytest.mark.torch_only
def test_pixels_are_rounded_once(files):
    nodes = importlib.import_module("onnx").load(files[1]).graph.node
    makers = {name: node.op_type for node in nodes for name in node.output}
    first = next(node for node in nodes if node.op_type == "QuantizeLinear")
    assert makers[first.input[0]] in onnx_int8.SCALING
    before = {node.op_type for node in nodes[: list(nodes).index(first)]}
    assert before <= {*onnx_int8.SCALING, "DequantizeLinear"}
    assert {"Mul", "Add"} <= before
