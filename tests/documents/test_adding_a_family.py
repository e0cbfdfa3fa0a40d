"""The guide's family, from the guide's own text, as a newcomer would add it.

One file in `applications/` and one line that exports it; nothing else.
"""

import importlib
import itertools
import sys

import code_blocks
import keras
import numpy as np
import pytest
from harness import randomize, to_numpy
from PIL import Image

import keras_pnnh
from keras_pnnh import applications
from keras_pnnh.applications import catalog
from keras_pnnh.cli import main

GUIDE = "docs/adding_a_family.md"
MODULE = "keras_pnnh.applications.plain_vgg"


def text_of(title):
    """The file that the guide's blocks of a title make up."""
    parts = code_blocks.blocks(GUIDE, "python")
    return "\n\n".join(
        block.code for block in parts if (block.title or "").startswith(title)
    )


@pytest.fixture
def family(tmp_path, monkeypatch):
    """The package with the guide's file in it, and the guide's line."""
    folder = tmp_path / "applications"
    folder.mkdir()
    (folder / "plain_vgg.py").write_text(text_of("plain_vgg.py"))
    monkeypatch.setattr(
        applications, "__path__", [*applications.__path__, str(folder)]
    )
    line = text_of("keras_pnnh/applications/__init__.py").strip()
    assert len(line.splitlines()) == 1
    exec(line, vars(applications))
    yield importlib.import_module(MODULE)
    del sys.modules[MODULE], applications.plain_vgg
    del applications.PlainVGG, applications.PlainVGG4
    catalog.MODELS.pop("plain_vgg4")
    for package in ("keras_pnnh", "mine"):
        keras.saving.get_custom_objects().pop(f"{package}>PlainVGG", None)


def test_it_is_built_and_listed(family):
    assert keras_pnnh.list_models("*vgg*") == ["plain_vgg4"]
    model = keras_pnnh.create_model("plain_vgg4", classes=3)
    assert type(model) is family.PlainVGG and model.name == "plain_vgg4"
    assert model.output_shape == (None, 3)
    assert "like VGG" in family.PlainVGG4.__doc__
    assert "weights" in family.PlainVGG4.__doc__


def test_the_guides_last_block_runs(family, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code_blocks.run(GUIDE)
    assert capsys.readouterr().out.endswith("plain_vgg4\n")


def test_folding_keeps_its_outputs_and_the_audit_counts(family, images):
    model = family.PlainVGG4(input_shape=(8, 8, 3), classes=3)
    randomize(model, seed=1)
    folded = keras_pnnh.fold(model)
    np.testing.assert_allclose(
        to_numpy(folded(images)), to_numpy(model(images)), rtol=1e-4, atol=1e-6
    )
    assert {
        type(layer).__module__.split(".")[0] for layer in folded.layers
    } == {"keras"}
    report = keras_pnnh.audit(folded)
    assert report.plain and not keras_pnnh.audit(model).plain
    # Stem, two blocks of two on 8x8 and 4x4 pixels, classifier.
    kernels = ((64, 3, 4), *[(64, 4, 4)] * 2, (16, 4, 8), (16, 8, 8))
    macs = sum(9 * pixels * read * made for pixels, read, made in kernels)
    assert report.macs == macs + 8 * 3


def test_it_saves_and_loads(family, images, tmp_path):
    model = family.PlainVGG4(input_shape=(8, 8, 3), classes=3)
    randomize(model, seed=1)
    expected = to_numpy(model(images))
    model.save(tmp_path / "model.keras")
    keras_pnnh.save_weights(model, tmp_path / "model.weights.h5")
    for copy in (
        keras.saving.load_model(tmp_path / "model.keras"),
        keras_pnnh.from_weights(tmp_path / "model.weights.h5"),
        family.PlainVGG4(
            weights=tmp_path / "model.weights.h5",
            input_shape=(8, 8, 3),
            classes=3,
        ),
    ):
        np.testing.assert_allclose(to_numpy(copy(images)), expected, rtol=1e-5)


def test_a_family_of_another_package_is_found(family, images, tmp_path):
    name = "keras_pnnh>PlainVGG"
    renamed = keras.saving.get_custom_objects().pop(name)
    keras.saving.register_keras_serializable(package="mine")(renamed)
    model = family.PlainVGG4(input_shape=(8, 8, 3), classes=3)
    keras_pnnh.save_weights(model, tmp_path / "model.weights.h5")
    copy = keras_pnnh.from_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(
        to_numpy(copy(images)), to_numpy(model(images))
    )


def test_a_step_of_training_changes_it(family, images):
    model = family.PlainVGG4(input_shape=(8, 8, 3), classes=3)
    before = to_numpy(model(images))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(images, np.arange(len(images)) % 3)
    assert np.abs(to_numpy(model(images)) - before).max() > 0


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
    run = str(tmp_path / "run")
    (train,) = [
        line
        for line in code_blocks.commands(GUIDE)
        if line.startswith("keras-pnnh train")
    ]
    words = train.split()[1:]
    words[words.index("DIR")] = data
    words[words.index("--output") + 1] = run
    more = ["--batch-size", "4", "--crop-padding", "1"]
    assert main([*words, *more, "--validation-split", "0.25"]) == 0
    assert main(["evaluate", "--weights", run, "--data", data]) == 0
    assert "of 8 images" in capsys.readouterr().out


def test_a_name_is_taken_once(family):
    with pytest.raises(ValueError, match="must be its own.*'plain_vgg4'"):
        applications.register("plain_vgg4", family.PlainVGG4)
