"""Feature maps by level and by name."""

import keras
import numpy as np
import pytest
from families import FAMILIES
from harness import CHANNELS_FIRST_WORKS, randomize, to_numpy

from keras_pnnh import audit, fold
from keras_pnnh.applications import (
    PlainResNet,
    PlainResNet20,
    PlainViT,
    features,
)

TINY = {"blocks_per_stage": (1, 2, 1), "filters_per_stage": (4, 6, 8)}


@pytest.fixture
def model():
    model = PlainResNet(**TINY, input_shape=(None, None, 3))
    randomize(model, seed=1)
    return model


@pytest.mark.torch_only
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (None, None)])
def test_levels_halve_the_image(size):
    extractor = features(PlainResNet(**TINY, input_shape=(*size, 3)))
    expected = {}
    for level, width in ((0, 4), (1, 6), (2, 8)):
        sides = (side and -(-side // 2**level) for side in size)
        expected[f"P{level}"] = (None, *sides, width)
    shapes = {name: tuple(x.shape) for name, x in extractor.output.items()}
    assert shapes == expected


@pytest.mark.torch_only
@pytest.mark.parametrize("internal_path", ["coder", "residual"])
def test_levels_of_the_large_stem(internal_path):
    model = PlainResNet(
        (1, 1, 1, 1),
        (4, 4, 6, 8),
        include_top=False,
        stem="7x7_pool",
        input_shape=(64, 64, 3),
        internal_path=internal_path,
    )
    assert {
        level: tuple(tensor.shape[1:])
        for level, tensor in model.pyramid_outputs.items()
    } == {"P2": (16, 16, 4), "P3": (8, 8, 4), "P4": (4, 4, 6), "P5": (2, 2, 8)}
    assert model.pyramid_outputs["P5"] is model.output


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_levels_of_the_promised_size(family, images):
    model = FAMILIES[family].build(include_top=False)
    assert model.pyramid_outputs
    for level, tensor in features(model)(images).items():
        side = -(-images.shape[1] // 2 ** int(level[1:]))
        assert tuple(tensor.shape[1:3]) == (side, side), level
    # Asking for maps leaves the chain a chain.
    assert audit(fold(model)).plain


@pytest.mark.parametrize("class_token", [True, False])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_tokens_of_the_patches_are_a_map(class_token, data_format):
    first = data_format == "channels_first"
    model = FAMILIES["plain_vit"].build(
        include_top=False,
        class_token=class_token,
        data_format=data_format,
        input_shape=(3, 8, 12) if first else (8, 12, 3),
    )
    randomize(model, seed=1)
    assert list(model.pyramid_outputs) == ["P2"]
    if first and not CHANNELS_FIRST_WORKS:
        return
    images = np.random.default_rng(0).uniform(0, 255, model.input_shape[1:])
    images = images[None].astype("float32")
    tokens = to_numpy(model(images))[0, 1 if class_token else 0 :]
    expected = tokens.reshape(2, 3, 8)
    found = to_numpy(features(model)(images)["P2"])[0]
    np.testing.assert_array_equal(
        found, expected.transpose(2, 0, 1) if first else expected
    )


@pytest.mark.torch_only
def test_patches_of_other_sizes_are_no_level():
    numbers = {**FAMILIES["plain_vit"].numbers, "patch_size": 3}
    model = PlainViT(**numbers, input_shape=(9, 9, 3))
    assert model.pyramid_outputs == {}


def test_layers_and_levels_by_name(model, images):
    names = ["P1", "stage2_block1_relu1", "stem_relu", "head"]
    maps = features(model, names)(images)
    assert set(maps) == set(names)
    for name, layer in (
        ("P1", "stage2_block2_relu2"),
        ("stage2_block1_relu1", "stage2_block1_relu1"),
    ):
        probe = keras.Model(model.input, model.get_layer(layer).output)
        np.testing.assert_array_equal(
            to_numpy(maps[name]), to_numpy(probe(images))
        )
    np.testing.assert_array_equal(
        to_numpy(maps["head"]), to_numpy(model(images))
    )
    assert list(features(model, "P2")(images)) == ["P2"]


def test_weights_are_shared(model, images):
    extractor = features(model)
    before = to_numpy(extractor(images)["P2"])
    randomize(model, seed=2)
    assert np.abs(to_numpy(extractor(images)["P2"]) - before).max() > 0.01


@pytest.mark.torch_only
def test_after_an_input_tensor():
    inputs = keras.Input((None, None, 1))
    rgb = keras.layers.Concatenate()([inputs] * 3)
    rewired = PlainResNet20(input_tensor=rgb)
    extractor = features(rewired, ["P1", "stage1_block1_relu1"])
    assert extractor.input is inputs
    for name, layer in (
        ("P1", "stage2_block3_relu2"),
        ("stage1_block1_relu1", "stage1_block1_relu1"),
    ):
        assert extractor.output[name] is rewired.get_layer(layer).output


def test_saved_and_loaded(model, images, tmp_path):
    extractor = features(model, ["P1"])
    expected = to_numpy(extractor(images)["P1"])
    extractor.save(tmp_path / "features.keras")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "features.keras")
    assert loaded.count_params() == extractor.count_params()
    again = features(keras.saving.load_model(tmp_path / "model.keras"))
    for copy in (loaded, again):
        np.testing.assert_allclose(
            to_numpy(copy(images)["P1"]), expected, rtol=1e-5
        )


@pytest.mark.torch_only
def test_any_functional_model_by_name(model):
    folded = fold(model)
    name = "stage2_block2_relu2"
    extractor = features(folded, [name])
    assert extractor.output[name] is folded.get_layer(name).output
    with pytest.raises(ValueError, match="which has no levels. Name its"):
        features(folded)


@pytest.mark.torch_only
def test_unknown_names_get_the_nearest(model):
    with pytest.raises(ValueError) as error:
        features(model, ["P1", "stage2_block1_relu"])
    message = str(error.value)
    assert "names with 'stage2_block1_relu' for model" in message
    assert "the levels P0, P1, P2" in message
    assert "stage2_block1_relu1" in message.split("nearest layers: ")[1]
    with pytest.raises(ValueError, match="Received: names with 'P5'"):
        features(model, ["P5"])


@pytest.mark.torch_only
def test_a_shared_layer_is_no_feature(model):
    with pytest.raises(ValueError, match="'stage2_coder', which has 4 outputs"):
        features(model, ["stage2_coder"])
