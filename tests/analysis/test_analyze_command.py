import keras
import numpy as np
import pytest
from PIL import Image

from keras_pnnh.applications import PlainResNet, catalog
from keras_pnnh.cli.main import main
from keras_pnnh.weights import loader, save_weights


def tiny_model(weights=None, **arguments):
    model = PlainResNet((1, 1), (8, 16), name="tiny", **arguments)
    if weights is not None:
        loader.load(model, weights)
    return model


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setitem(catalog.MODELS, "tiny", tiny_model)
    generator = np.random.default_rng(0)
    for name in ("ant", "bee"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for index in range(8):
            pixels = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    return tmp_path / "data"


def analyze(model, data, output, *more):
    arguments = ["analyze", "--model", model, "--data", data]
    return main([*map(str, arguments), "--output", str(output), *more])


@pytest.mark.torch_only
def test_a_model_is_shown_beside_its_twins(data, tmp_path, capsys):
    output = tmp_path / "report"
    assert analyze("tiny", data, output, "--images", "12") == 0
    printed = capsys.readouterr().out
    page = (output / "report.html").read_text()
    for label in ("coder (PNNH)", "residual", "no path"):
        assert f"{label}: tiny: " in printed
        assert label in page
    assert "tiny on 12 images" in page
    assert (output / "signals.png").is_file()
    assert str(output) in printed


def test_any_keras_file(data, tmp_path, capsys):
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    path = tmp_path / "mine.keras"
    keras.Model(x, keras.layers.Flatten()(y), name="mine").save(path)
    assert analyze(path, data, tmp_path / "report") == 0
    assert "mine.keras: mine: " in capsys.readouterr().out


def test_trained_weights_are_shown_too(data, tmp_path, capsys):
    path = tmp_path / "mine.weights.h5"
    save_weights(tiny_model(classes=2, input_shape=(8, 8, 3)), path)
    weights = ("--weights", str(path))
    assert analyze("tiny", data, tmp_path / "report", *weights) == 0
    assert f"trained: {path}" in capsys.readouterr().out


def test_wrong_arguments_leave_one_line(data, tmp_path, capsys):
    assert analyze("tiny", data, tmp_path / "r", "--images", "2") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "Received: 2" in error


def test_a_keras_file_takes_no_other_weights(data, tmp_path, capsys):
    weights = ("--weights", "mine.weights.h5")
    assert analyze("mine.keras", data, tmp_path / "r", *weights) == 1
    error = capsys.readouterr().err
    assert "brings its own weights" in error
    assert "--model mine.keras with --weights mine.weights.h5" in error
