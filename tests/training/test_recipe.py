import pytest

from keras_pnnh.training import RECIPES, Recipe, get_recipe

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
