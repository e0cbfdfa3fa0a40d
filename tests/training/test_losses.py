"""The loss of a recipe against NumPy."""

import dataclasses

import numpy as np
import pytest
from harness import to_numpy

from keras_pnnh.training import Recipe, get_recipe, train
from keras_pnnh.training.losses import make_loss

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]], "float32")
LABELS = np.array([[1.0, 0.0, 0.0], [0.15, 0.6, 0.25]], "float32")


def test_each_class_by_itself():
    recipe = Recipe(epochs=1, warmup_epochs=0, loss="sigmoid")
    present = (LABELS > 0.2).astype("float64")
    assert present[1].tolist() == [0, 1, 1]
    p = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    each = -(present * np.log(p) + (1 - present) * np.log(1 - p))
    found = float(to_numpy(make_loss(recipe)(LABELS, LOGITS)))
    assert found == pytest.approx(each.mean(), rel=1e-5)


def test_one_distribution():
    recipe = Recipe(epochs=1, warmup_epochs=0, label_smoothing=0.3)
    scores = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    smooth = 0.7 * LABELS + 0.1
    expected = -(smooth * np.log(scores)).sum(-1).mean()
    found = float(to_numpy(make_loss(recipe)(LABELS, LOGITS)))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.torch_only
def test_smoothing_is_for_one_distribution():
    with pytest.raises(ValueError, match="be 0 with the loss of each class"):
        Recipe(epochs=1, warmup_epochs=0, loss="sigmoid", label_smoothing=0.1)
    with pytest.raises(ValueError, match="softmax, sigmoid"):
        Recipe(epochs=1, warmup_epochs=0, loss="hinge")


@pytest.mark.torch_only
@pytest.mark.filterwarnings("ignore:Tensor.T is deprecated:UserWarning")
def test_a2_trains_and_its_model_loads(make_model, tiny_data, tmp_path):
    recipe = dataclasses.replace(
        get_recipe("imagenet-resnet50-a2"),
        epochs=1,
        batch_size=8,
        warmup_epochs=0,
        validation_split=0.25,
    )
    record = train(make_model(), tiny_data, recipe, tmp_path / "run")
    assert record["recipe"]["loss"] == "sigmoid"
    assert np.isfinite(record["epochs"][0]["val_loss"])
    import keras

    assert keras.saving.load_model(tmp_path / "run" / "model.keras")
