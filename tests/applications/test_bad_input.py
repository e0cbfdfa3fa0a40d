"""Wrong combinations, as a user of the constructors meets them."""

import keras
import pytest

from keras_pnnh import save_weights
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet20,
    PlainViTTiny16,
    create_model,
)

SHAPE = {"input_shape": (8, 8, 3)}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weights of a whole network, of a backbone, and a whole model."""
    folder = tmp_path_factory.mktemp("files")
    paths = {
        name: folder / f"{name}.weights.h5" for name in ("whole", "backbone")
    }
    model = PlainResNet20(**SHAPE)
    save_weights(model, paths["whole"])
    save_weights(PlainResNet20(include_top=False, **SHAPE), paths["backbone"])
    paths["model"] = folder / "model.keras"
    model.save(paths["model"])
    return paths


@pytest.mark.parametrize(
    ("file", "variant", "kwargs", "rule", "repair"),
    [
        (
            "backbone",
            "plain_resnet20",
            {"include_top": True},
            "a classifier needs weights with one",
            "include_top=False",
        ),
        (
            "whole",
            "plain_resnet32",
            {},
            "blocks_per_stage: file [3, 3, 3], model [5, 5, 5]",
            "`keras_pnnh.from_weights(",
        ),
        (
            "whole",
            "plain_resnet20",
            {"internal_path": "residual"},
            "internal_path: file 'coder', model 'residual'",
            "`keras_pnnh.from_weights(",
        ),
        (
            "model",
            "plain_resnet20",
            {},
            "a file whose name ends in '.weights.h5'",
            "keras.saving.load_model",
        ),
    ],
)
def test_weights_of_something_else(files, file, variant, kwargs, rule, repair):
    with pytest.raises(ValueError) as error:
        create_model(variant, weights=files[file], **SHAPE, **kwargs)
    message = str(error.value)
    assert rule in message
    assert str(files[file]) in message.split("Received: ")[1]
    assert repair in message


@pytest.mark.parametrize(
    ("constructor", "kwargs", "rule", "received"),
    [
        (
            PlainResNet20,
            {"input_shape": (7, 8, 3)},
            "at least 8x8",
            "(7, 8, 3)",
        ),
        (
            PlainMobileNetV2,
            {"input_shape": (16, 16, 3)},
            "at least",
            "(16, 16, 3)",
        ),
        (
            PlainViTTiny16,
            {"input_shape": (224, 220, 3)},
            "`patch_size`",
            "(224, 220, 3)",
        ),
        (PlainResNet20, {"weights": "imagenet"}, "a tag", "'imagenet'"),
    ],
)
def test_arguments_that_do_not_fit(constructor, kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        constructor(**kwargs)
    message = str(error.value)
    assert rule in message
    assert received in message.split("Received: ")[1]


def test_unknown_variants_get_the_nearest_names():
    with pytest.raises(ValueError, match="Nearest: .*plain_mobilenet_v2_100"):
        create_model("mobilenet_v2_100")


def test_a_whole_model_is_loaded_by_keras(files):
    loaded = keras.saving.load_model(files["model"])
    assert loaded.name == "plain_resnet20"
