import keras
import numpy as np
import pytest
from run_cli import tiny_model

from keras_pnnh.applications import catalog
from keras_pnnh.data import LabelledImages
from keras_pnnh.training import Recipe


@pytest.fixture(scope="session")
def tiny_data():
    generator = np.random.default_rng(0)
    return LabelledImages(
        generator.integers(0, 256, (36, 8, 8, 3), dtype=np.uint8),
        np.arange(36) % 3,
        ("ant", "bee", "cat"),
    )


@pytest.fixture(scope="session")
def tiny_recipe():
    return Recipe(
        epochs=2,
        batch_size=8,
        learning_rate=0.05,
        warmup_epochs=0.5,
        crop_padding=2,
        label_smoothing=0.1,
        validation_split=0.25,
    )


@pytest.fixture(scope="session")
def make_model():
    def make(seed=0, **arguments):
        keras.utils.set_random_seed(seed)
        arguments = {"classifier_activation": None, **arguments}
        return tiny_model(classes=3, input_shape=(8, 8, 3), **arguments)

    return make


@pytest.fixture
def tiny_catalog(monkeypatch):
    monkeypatch.setitem(catalog.MODELS, "tiny", tiny_model)


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory):
    """`train/` and `test/`, each with images of three classes."""
    from PIL import Image

    root = tmp_path_factory.mktemp("data") / "images"
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for label, name in enumerate(("ant", "bee", "cat")):
            folder = root / part / name
            folder.mkdir(parents=True)
            for index in range(8):
                pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                pixels[..., label] = 255
                Image.fromarray(pixels).save(folder / f"{index}.jpg")
    return root


@pytest.fixture
def train_arguments(image_folder, tmp_path):
    """Of a run of four epochs with four steps each."""
    return [
        *("train", "--model", "tiny", "--data", str(image_folder)),
        *("--output", str(tmp_path / "run"), "--epochs", "4"),
        *("--batch-size", "4", "--warmup-epochs", "1", "--seed", "3"),
        *("--validation-split", "0.25", "--learning-rate", "0.05"),
    ]
