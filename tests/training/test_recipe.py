import keras
import pytest

from keras_pnnh.cli import train
from keras_pnnh.training import RECIPES, Recipe, get_recipe
from keras_pnnh.training.optimizer import make_optimizer

WRONG = {
    "epochs": (0, 1.5),
    "batch_size": (0, -1),
    "learning_rate": (0.0, -0.1, float("nan"), float("inf")),
    "warmup_epochs": (-1, 5, 7),
    "decay": ("step",),
    "optimizer": ("adam", None),
    "momentum": (1.0, -0.1),
    "weight_decay": (-1e-4, float("nan")),
    "label_smoothing": (1.0, -0.1),
    "crop_padding": (-1, 0.5),
    "crop_fill": ("black", None),
    "erasing": (1.5, -0.1),
    "validation_split": (1.0, -0.1),
    "scaled_batch": (-1, 0.5),
    "accumulation": (0, 1.5),
    "average": (1.0, -0.1),
    "clip": (-1.0, float("nan")),
    "crop_area": (1.5, -0.1),
    "rand_augment": (11, -1),
    "mixup": (-1.0, float("inf")),
    "cutmix": (-1.0, float("nan")),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_wrong_setting_is_named(name):
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=f"`{name}` .*{name}="):
            Recipe(**{"epochs": 5, name: value})


def test_changes_replace_all_but_none():
    recipe = get_recipe("cifar", epochs=3, weight_decay=0.0, momentum=None)
    assert recipe.epochs == 3
    assert recipe.weight_decay == 0.0
    assert recipe.momentum == RECIPES["cifar"].momentum


def test_unknown_recipe_names_the_known():
    with pytest.raises(ValueError, match="cifar-short.*Received: 'imagenet'"):
        get_recipe("imagenet")


def test_rate_grows_with_the_images_of_an_update():
    recipe = get_recipe("imagenet-resnet50")
    assert recipe.peak_rate == 0.1
    grown = get_recipe("imagenet-resnet50", batch_size=1024, accumulation=8)
    assert grown.peak_rate == pytest.approx(3.2)
    assert get_recipe("cifar", batch_size=1024).peak_rate == 0.1


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_makes_an_optimizer_and_is_named_by_the_command(name):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = make_optimizer(RECIPES[name], 10, model)
    assert optimizer.built
    assert name in train.RECIPES
