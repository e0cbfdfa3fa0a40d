import keras
import numpy as np
import pytest
from families import FAMILIES
from harness import (
    CHANNELS_FIRST_WORKS,
    INTERNAL_PATHS,
    check_gradients,
    randomize,
    to_numpy,
)

from keras_pnnh import save_weights
from keras_pnnh.applications import PlainResNet
from keras_pnnh.weights.loader import load

TORCH_ONLY = pytest.mark.torch_only


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "internal_path",
    [
        path if path == "coder" else pytest.param(path, marks=TORCH_ONLY)
        for path in INTERNAL_PATHS
    ],
)
@pytest.mark.parametrize(
    "half",
    ["bfloat16", pytest.param("float16", marks=TORCH_ONLY)],
)
def test_mixed_precision_keeps_the_head_in_float32(
    family, internal_path, half, images
):
    build, first_layer = FAMILIES[family].build, FAMILIES[family].first_layer
    model = build(internal_path=internal_path, dtype=f"mixed_{half}")
    outputs = model(images)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(outputs).sum(-1), 1, rtol=1e-5)
    assert model.get_layer("pool").compute_dtype == half
    for layer in model.layers[1:]:
        expected = "float32" if layer.name == "head" else half
        assert layer.compute_dtype == expected, layer.name
    assert all(variable.dtype == "float32" for variable in model.variables)
    full = build(internal_path=internal_path)
    full.set_weights(model.get_weights())
    np.testing.assert_allclose(
        to_numpy(outputs), to_numpy(full(images)), atol=0.05
    )
    assert model.get_config()["dtype"]["config"]["name"] == f"mixed_{half}"
    again = type(model).from_config(model.get_config())
    assert again.get_layer(first_layer).compute_dtype == half
    if half == "bfloat16":
        check_gradients(model, [images])


@pytest.mark.torch_only
@pytest.mark.parametrize("family", FAMILIES)
def test_the_global_policy_counts(family):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = FAMILIES[family].build()
    finally:
        keras.config.set_dtype_policy(before)
    first_layer = FAMILIES[family].first_layer
    assert model.get_layer(first_layer).compute_dtype == "bfloat16"
    assert model.get_layer("head").compute_dtype == "float32"


@pytest.mark.torch_only
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("internal_path", INTERNAL_PATHS)
def test_channels_first_reads_the_same_file(
    family, internal_path, tmp_path, images
):
    build, height = FAMILIES[family].build, FAMILIES[family].another_height
    last = build(internal_path=internal_path, input_shape=(height, 8, 3))
    randomize(last, seed=1)
    path = tmp_path / "model.weights.h5"
    save_weights(last, path)
    first = build(
        internal_path=internal_path,
        input_shape=(3, height, 8),
        data_format="channels_first",
    )
    load(first, path)
    if not CHANNELS_FIRST_WORKS:
        return
    images = np.pad(images, [(0, 0), (0, height - 8), (0, 0), (0, 0)])
    np.testing.assert_allclose(
        to_numpy(first(np.moveaxis(images, -1, 1))),
        to_numpy(last(images)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_default_shape_follows_the_data_format():
    model = PlainResNet((1,), (4,), data_format="channels_first")
    assert model.input_shape == (None, 3, 32, 32)
