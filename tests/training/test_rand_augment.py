"""RandAugment by Keras or by keras-cv, whichever the recipe names."""

import dataclasses
import importlib.util
import sys

import numpy as np
import pytest

from keras_pnnh.training import Recipe
from keras_pnnh.training.batches import TrainingBatches

pytestmark = [
    pytest.mark.torch_only,
    # Keras 3.15 on torch, in RandAugment.
    pytest.mark.filterwarnings("ignore:Tensor.T is deprecated:UserWarning"),
]


def test_the_same_seed_draws_the_same(tiny_data, tiny_recipe):
    recipe = dataclasses.replace(tiny_recipe, rand_augment=5)
    first, again, other = (
        TrainingBatches(tiny_data, recipe, seed)[0][0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1


def test_keras_cv_is_asked_for_by_name(tiny_data, tiny_recipe, monkeypatch):
    recipe = dataclasses.replace(
        tiny_recipe, rand_augment=5, rand_augment_by="keras_cv"
    )
    monkeypatch.setitem(sys.modules, "keras_cv", None)
    with pytest.raises(ModuleNotFoundError, match="keras-pnnh\\[cv\\]"):
        TrainingBatches(tiny_data, recipe, 1)
    off = dataclasses.replace(recipe, rand_augment=0)
    assert len(TrainingBatches(tiny_data, off, 1))
    with pytest.raises(ValueError, match="be one of keras, keras_cv"):
        Recipe(epochs=1, warmup_epochs=0, rand_augment_by="timm")


@pytest.mark.filterwarnings("ignore")
def test_keras_cv_augments(tiny_data, tiny_recipe):
    if importlib.util.find_spec("keras_cv") is None:
        pytest.skip("needs keras_cv")
    recipe = dataclasses.replace(
        tiny_recipe, rand_augment=5, rand_augment_by="keras_cv"
    )
    images = TrainingBatches(tiny_data, recipe, 1)[0][0]
    assert images.shape == (8, 8, 8, 3)
    assert 0 <= images.min() < images.max() <= 255
