"""What `fit` trained is kept as a run."""

import json

import keras
import numpy as np
import pytest

from keras_pnnh.applications import PlainResNet
from keras_pnnh.training import load_run, save_run
from keras_pnnh.weights import find_classifier

NAMES = ("ant", "bee", "cat")


@pytest.fixture(scope="module")
def trained():
    """A network of three classes after two epochs, and what it saw."""
    keras.utils.set_random_seed(0)
    model = PlainResNet((1,), (8,), classes=3, input_shape=(16, 16, 3))
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 6)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3))
    labels = np.arange(12) % 3
    model.fit(
        images.astype("uint8"),
        labels,
        epochs=2,
        validation_split=0.25,
        verbose=0,
    )
    return model


def save(model, output, **changes):
    given = {"training_images": 9, "validation_images": 3, **changes}
    return save_run(model, output, NAMES, "made up", **given)


def test_the_record_says_what_is_known(trained, tmp_path):
    record = save(trained, tmp_path / "run", seed=4, seconds=61)
    assert record == json.loads((tmp_path / "run/record.json").read_text())
    assert [row["epoch"] for row in record["epochs"]] == [1, 2]
    assert {"loss", "val_accuracy"} <= record["epochs"][0].keys()
    recipe = record["recipe"]
    assert recipe["optimizer"] == "SGD" and recipe["momentum"] == 0.9
    assert recipe["learning_rate"] == "CosineDecay" and recipe["epochs"] == 2
    assert (record["seed"], record["seconds"]) == (4, 61)
    assert record["data"]["classes"] == list(NAMES)
    for name in ("log.csv", "curves.png", "model.keras"):
        assert (tmp_path / "run" / name).stat().st_size > 0


@pytest.mark.every_backend
def test_the_network_comes_back_with_its_classes(trained, tmp_path):
    save(trained, tmp_path / "run")
    path = tmp_path / "run" / "model.weights.h5"
    found = find_classifier(None, str(path))
    assert found.labels == NAMES and found.image_size == (16, 16)
    images = np.full((2, 16, 16, 3), 90.0)
    np.testing.assert_allclose(
        load_run(tmp_path / "run").predict(images, verbose=0),
        trained.predict(images, verbose=0),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"history": {"loss": []}}, "not trained by `fit`"),
        ({"image_size": None}, "images of any size"),
    ],
)
def test_what_is_refused(changes, message, trained, tmp_path):
    if "image_size" in changes:
        sizes = (None, None, 3)
        model = PlainResNet((1,), (8,), classes=3, input_shape=sizes)
        model.compile("sgd", "sparse_categorical_crossentropy")
        changes = {**changes, "history": {"loss": [1.0]}}
    else:
        model = trained
    with pytest.raises(ValueError, match=message):
        save(model, tmp_path / "run", **changes)
    assert not list(tmp_path.iterdir())


def test_names_and_networks_must_fit(trained, tmp_path):
    with pytest.raises(ValueError, match="as many names as .* outputs, 3"):
        save_run(trained, tmp_path, ("a", "b"), "made up", training_images=9)
    x = keras.Input((16, 16, 3))
    other = keras.Model(x, keras.layers.Flatten()(x))
    with pytest.raises(ValueError, match="a network of this library"):
        save(other, tmp_path)
    fresh = PlainResNet((1,), (8,), classes=3, input_shape=(16, 16, 3))
    with pytest.raises(ValueError, match="not compiled, or not trained"):
        save(fresh, tmp_path)


def test_a_folder_is_not_written_twice(trained, tmp_path):
    save(trained, tmp_path / "run")
    with pytest.raises(FileExistsError):
        save(trained, tmp_path / "run")
