"""`keras-pnnh export` writes a file and says what it is worth."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_pnnh.applications import PlainResNet, catalog
from keras_pnnh.cli.main import main
from keras_pnnh.deployment.formats import FORMATS
from keras_pnnh.weights import classifier, loader, save_weights


def tiny_model(weights=None, **arguments):
    model = PlainResNet((1, 1), (4, 8), name="tiny", **arguments)
    if weights is not None:
        loader.load(model, weights)
    return model


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("export") / "images"
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("ant", "bee"):
            folder = root / part / name
            folder.mkdir(parents=True)
            for index in range(3):
                pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    return root


@pytest.fixture
def arguments(tmp_path, data, monkeypatch):
    """Of an export of a tiny network with weights of its own."""
    monkeypatch.setitem(catalog.MODELS, "tiny", tiny_model)
    model = tiny_model(input_shape=(8, 8, 3), classes=2)
    weights = tmp_path / "tiny.weights.h5"
    labels = classifier.Classifier(("ant", "bee"), (8, 8))
    save_weights(model, weights, labels)
    return [
        *("export", "--model", "tiny", "--weights", str(weights)),
        *("--format", "fake", "--output", str(tmp_path / "out" / "net.fake")),
    ]


@pytest.fixture
def written(monkeypatch):
    """What a format that Keras itself runs was given."""
    seen = {}

    def write(model, path, representative):
        path.write_bytes(b"a network")
        seen.update(model=model, images=representative)

    def run(images):
        return seen["model"].predict(images, verbose=0)

    form = FORMATS["onnx"]._replace(
        name="fake",
        suffix=".fake",
        backends=(keras.backend.backend(),),
        packages=(),
        annotate=None,
        converters={},
        write=write,
        open=lambda path, threads=None: run,
        quantized=True,
        tolerance=None,
    )
    monkeypatch.setitem(FORMATS, "fake", form)
    return seen


def test_export_prints_both_accuracies(
    arguments, data, written, tmp_path, capsys
):
    assert main([*arguments, "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    assert "9 bytes" in printed and "largest difference" in printed
    assert printed.count("% of 6 images") == 2
    assert "test accuracy in Keras" in printed
    assert (tmp_path / "out" / "net.fake").is_file()
    # Images of the training part, and a network of ordinary layers.
    assert written["images"].shape == (6, 8, 8, 3)
    assert keras_layers_only(written["model"])


def keras_layers_only(model):
    return "keras_pnnh" not in model.to_json()


def test_what_may_be_left_out(arguments, data, written, capsys):
    more = ["--no-fold", "--no-verify", "--data", str(data)]
    assert main([*arguments, *more]) == 0
    assert "not compared" in capsys.readouterr().out
    assert not keras_layers_only(written["model"])


def test_images_are_those_of_a_folder(
    arguments, data, written, tmp_path, monkeypatch, capsys
):
    seen = {}

    def export(*_, images, **__):
        seen["images"] = images
        raise ValueError("seen")

    monkeypatch.setattr("keras_pnnh.export", export)
    more = ["--data", str(data), "--images"]
    assert main([*arguments, *more, str(data / "test")]) == 1
    assert seen["images"].shape == (6, 8, 8, 3)
    capsys.readouterr()
    (tmp_path / "empty").mkdir()
    assert main([*arguments, *more, str(tmp_path / "empty")]) == 1
    assert "with no file named .bmp" in capsys.readouterr().err


@pytest.fixture
def own_file(tmp_path):
    """A residual network of the user's own, on pixels from -1 to 1."""
    image = x = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(x)  # of both signs
    y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = keras.layers.Add()([x, keras.layers.Conv2D(4, 1)(y)])
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(5)(x), name="own")
    model.save(tmp_path / "own.keras")
    return model, str(tmp_path / "own.keras")


def test_a_network_from_a_file_becomes_a_chain(
    own_file, data, written, tmp_path, capsys
):
    model, path = own_file
    arguments = [
        *("export", "--model", path, "--convert", "--pixels", "-1", "1"),
        *("--representative", str(data / "train"), "--margin", "0.5"),
        *("--images", str(data / "test"), "--format", "fake"),
        *("--output", str(tmp_path / "net.fake")),
    ]
    assert main(arguments) == 0
    assert "widened by 50%" in capsys.readouterr().out.replace("\n", " ")
    assert keras_layers_only(written["model"])
    kinds = {type(layer).__name__ for layer in written["model"].layers}
    assert "Add" not in kinds
    assert written["images"].shape == (6, 8, 8, 3)
    assert written["images"].max() > 200
    pixels = written["images"].astype("float32")
    np.testing.assert_allclose(
        written["model"].predict(pixels, verbose=0),
        model.predict(pixels / 127.5 - 1, verbose=0),
        atol=0.05,  # biases are corrected for what rounding adds
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--weights", "cifar10"], "--weights beside --model"),
        (["--data", "images"], "--data beside --model"),
        (["--set", "alpha=1"], "--set beside --model"),
        (["--pixels", "1", "-1"], "Try --pixels -1 1"),
        (["--model", "absent.keras"], "no file 'absent.keras'"),
        (["--representative", "absent"], "`--representative` is a folder"),
        (["--model", "tiny"], "no --weights"),
    ],
)
def test_what_does_not_go_with_a_file(
    changes, message, own_file, data, written, tmp_path, capsys
):
    arguments = [
        *("export", "--model", own_file[1], "--format", "fake"),
        *("--representative", str(data), "--output", str(tmp_path / "n.fake")),
    ]
    assert main([*arguments, *changes]) == 1
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.count("\n") == 1


def test_a_file_that_holds_no_network_is_told(data, tmp_path, capsys):
    (tmp_path / "net.h5").write_text("no network")
    arguments = ["export", "--model", str(tmp_path / "net.h5")]
    output = ["--format", "onnx", "--output", str(tmp_path / "net.onnx")]
    assert main([*arguments, *output]) == 1
    assert "`model.save` of Keras" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([], "neither --data nor --representative"),
        (["--format", "onxx"], "Did you mean 'onnx'"),
        (
            ["--format", "onnx", "--weights", "none.weights.h5"],
            "none.weights.h5",
        ),
    ],
)
def test_wrong_arguments_leave_nothing(
    changes, message, arguments, written, tmp_path, capsys
):
    assert main([*arguments, *changes]) == 1
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
