"""A family of one's own is one file and one line that imports it."""

import importlib
import itertools
import sys

import keras
import numpy as np
import pytest
from harness import randomize, to_numpy
from PIL import Image

from keras_pnnh import audit, create_model, fold, list_models, save_weights
from keras_pnnh.applications import catalog
from keras_pnnh.cli import main

FAMILY = '''
"""Plain VGG-like networks with a coder."""

from typing import Any

import keras

from keras_pnnh.applications import Application, register, variant
from keras_pnnh.layers import Coder, PlainConv2D

VARIANTS = {"plain_vgg4": {"filters": (4, 8)}}


def block(x, coder, filters, name):
    """Two convolutions: encoder, then decoder."""
    for number, part in ((1, "encoder"), (2, "decoder")):
        layer = PlainConv2D(filters, name=f"{name}_conv{number}")
        x = layer(x) if coder is None else layer(x, coder(x, part=part))
        x = keras.layers.ReLU(name=f"{name}_relu{number}")(x)
    return x


@keras.saving.register_keras_serializable(package="mine")
class PlainVGG(Application):
    def __init__(
        self, filters, input_shape=(32, 32, 3), classes=10,
        classifier_activation="softmax", include_top=True,
        internal_path="coder", name=None,
    ):
        images = keras.Input(input_shape, name="images")
        x = keras.layers.Rescaling(1 / 127.5, -1, name="preprocessing")(images)
        x = PlainConv2D(filters[0], name="stem_conv")(x)
        x = keras.layers.ReLU(name="stem_relu")(x)
        pyramid = {}
        for stage, width in enumerate(filters, 1):
            coder = None
            if internal_path == "coder":
                coder = Coder(width, name=f"stage{stage}_coder")
            x = block(x, coder, width, f"stage{stage}_block1")
            pyramid[f"P{stage - 1}"] = x
            x = keras.layers.MaxPooling2D(name=f"stage{stage}_pool")(x)
        if include_top:
            x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
            x = keras.layers.Dense(
                classes, activation=classifier_activation, name="head"
            )(x)
        super().__init__(images, x, pyramid, locals())


def _signature(
    include_top: bool = True, weights: Any = None, input_tensor: Any = None,
    input_shape: Any = None, classes: int | None = None,
    classifier_activation: Any = "softmax", name: str | None = None,
    *, internal_path: str | None = None,
) -> keras.Model:
    """{name}, like VGG.

    Args:
        {weights}
        {classes_and_activation}
    """
    ...


PlainVGG4 = variant(
    _signature, "PlainVGG4", PlainVGG,
    lambda given: ("plain_vgg4", VARIANTS["plain_vgg4"]),
)
register("plain_vgg4", PlainVGG4)
'''


@pytest.fixture
def family(tmp_path, monkeypatch):
    (tmp_path / "plain_vgg.py").write_text(FAMILY)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("plain_vgg")
    del sys.modules["plain_vgg"]
    catalog.MODELS.pop("plain_vgg4")


def test_one_file_and_one_line(family, images, tmp_path):
    assert list_models("*vgg*") == ["plain_vgg4"]
    model = create_model("plain_vgg4", input_shape=(8, 8, 3), classes=3)
    assert type(model) is family.PlainVGG and model.name == "plain_vgg4"
    randomize(model, seed=1)
    expected = to_numpy(model(images))

    folded = fold(model)
    np.testing.assert_allclose(
        to_numpy(folded(images)), expected, rtol=1e-4, atol=1e-6
    )
    report = audit(folded)
    assert report.plain and report.macs == audit(model).macs

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    save_weights(model, tmp_path / "model.weights.h5")
    filled = family.PlainVGG4(
        weights=tmp_path / "model.weights.h5",
        input_shape=(8, 8, 3),
        classes=3,
    )
    for copy in (loaded, filled):
        np.testing.assert_allclose(to_numpy(copy(images)), expected, rtol=1e-5)

    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(images, np.zeros(len(images)))
    assert np.abs(to_numpy(model(images)) - expected).max() > 0


@pytest.fixture
def data(tmp_path):
    """Eight images of two classes, for training and for testing."""
    generator = np.random.default_rng(0)
    for split, label in itertools.product(("train", "test"), ("cat", "dog")):
        folder = tmp_path / "data" / split / label
        folder.mkdir(parents=True)
        for number in range(4):
            pixels = generator.integers(0, 256, (8, 8, 3), "uint8")
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return str(tmp_path / "data")


def test_the_command_line_knows_it(family, data, tmp_path, capsys):
    assert main(["list"]) == 0
    assert "plain_vgg4" in capsys.readouterr().out
    train = ["train", "--model", "plain_vgg4", "--data", data]
    train += ["--output", str(tmp_path / "run"), "--epochs", "1"]
    train += ["--batch-size", "4", "--crop-padding", "1"]
    train += ["--warmup-epochs", "0", "--validation-split", "0.25"]
    assert main(train) == 0
    assert (tmp_path / "run" / "model.weights.h5").is_file()


def test_a_name_is_taken_once(family):
    with pytest.raises(ValueError, match="must be its own.*'plain_vgg4'"):
        family.register("plain_vgg4", family.PlainVGG4)
