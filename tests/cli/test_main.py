import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from families import FAMILIES
from PIL import Image

from keras_pnnh import _version
from keras_pnnh.applications import PlainResNet, catalog
from keras_pnnh.cli.main import main
from keras_pnnh.publishing import lineage
from keras_pnnh.weights import loader


def tiny_model(weights=None, **arguments):
    model = PlainResNet((1, 1), (8, 16), name="tiny", **arguments)
    if weights is not None:
        loader.load(model, weights)
    return model


@pytest.fixture(autouse=True)
def tiny_catalog(monkeypatch):
    monkeypatch.setitem(catalog.MODELS, "tiny", tiny_model)


@pytest.fixture
def data(tmp_path):
    """Two classes that differ in colour."""
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for label, name in enumerate(("ant", "bee")):
            folder = tmp_path / "data" / part / name
            folder.mkdir(parents=True)
            for index in range(8):
                pixels = generator.integers(0, 100, (8, 8, 3), dtype=np.uint8)
                pixels[..., label] = 255
                Image.fromarray(pixels).save(folder / f"{index}.png")
    return tmp_path / "data"


def train_arguments(data, output, *more):
    return [
        *("train", "--model", "tiny", "--data", str(data)),
        *("--output", str(output), "--epochs", "2", "--batch-size", "4"),
        *("--warmup-epochs", "0.5", "--validation-split", "0.25"),
        *more,
    ]


def error_of(arguments, capsys):
    """The one line that a failed command leaves."""
    assert main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert "Traceback" not in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.every_backend
def test_train_then_evaluate(data, tmp_path, capsys):
    output = tmp_path / "run"
    assert main(train_arguments(data, output)) == 0
    printed = capsys.readouterr()
    for epoch in ("epoch 1/2", "epoch 2/2"):
        assert epoch in printed.err
    assert "images/s" in printed.err
    assert "left" in printed.err
    assert str(output) in printed.out
    for name in ("record.json", "log.csv", "curves.png", "model.weights.h5"):
        assert (output / name).stat().st_size > 100
    record = json.loads((output / "record.json").read_text())
    assert record["data"]["source"] == "data"
    assert record["recipe"]["warmup_epochs"] == 0.5
    arguments = [
        *("evaluate", "--model", "tiny", "--data", str(data)),
        *("--weights", str(output / "model.weights.h5")),
        *("--record", str(output)),
    ]
    assert main(arguments) == 0
    test = json.loads((output / "record.json").read_text())["test"]
    assert test["images"] == 16
    printed = capsys.readouterr().out
    assert f"{100 * test['accuracy']:.2f} % of 16 images" in printed


@pytest.mark.parametrize(
    ("family", "option", "value", "recipe", "optimizer"),
    [
        ("plain_vit", "patch_size", 4, "cifar-vit-short", "adamw"),
        ("plain_mobilenet_v2", "stem", "3x3", "cifar-short", "sgd"),
    ],
)
def test_train_another_family_then_evaluate(
    family,
    option,
    value,
    recipe,
    optimizer,
    data,
    tmp_path,
    capsys,
    monkeypatch,
):
    model_class, numbers = FAMILIES[family][:2]
    numbers = {**numbers, option: None}

    def tiny(weights=None, **arguments):
        model = model_class(**{**numbers, **arguments}, name="other")
        if weights is not None:
            loader.load(model, weights)
        return model

    monkeypatch.setitem(catalog.MODELS, "other", tiny)
    output = tmp_path / "run"
    chosen = ["--model", "other"]
    chosen += ["--set", f"{option}={value}"]
    arguments = train_arguments(data, output, *chosen)
    arguments += ["--recipe", recipe]
    assert main(arguments) == 0
    record = json.loads((output / "record.json").read_text())
    assert record["recipe"]["optimizer"] == optimizer
    assert record["model"][option] == value
    weights = output / "model.weights.h5"
    arguments = ["evaluate", *chosen, "--weights", str(weights)]
    assert main([*arguments, "--data", str(data)]) == 0
    assert "% of 16 images" in capsys.readouterr().out


def test_a_run_learns_from_another(data, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(train_arguments(data, first)) == 0
    teacher = ["--teacher", str(first), "--teacher-stages", "stage1"]
    assert main([*train_arguments(data, second), *teacher]) == 0
    record = json.loads((second / "record.json").read_text())
    assert record["teacher"]["stages"] == {"stage1": "stage1"}
    assert record["teacher"]["weight"] == 0.5
    whole = ["--teacher", str(first / "model.keras"), "--teacher-weight", "2"]
    assert main([*train_arguments(data, tmp_path / "3"), *whole]) == 1
    assert "at most 1. Received: weight=2" in capsys.readouterr().err
    other = ["--teacher", "plain_resnet20.cifar10"]
    assert main([*train_arguments(data, tmp_path / "4"), *other]) == 1
    assert "knows the classes of the images" in capsys.readouterr().err


def test_a_second_run_starts_from_the_weights_of_the_first(
    data, tmp_path, capsys
):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(train_arguments(data, first)) == 0
    capsys.readouterr()
    weights = first / "model.weights.h5"
    arguments = train_arguments(data, second)
    # A rate of next to nothing: what comes out is what went in.
    arguments += ["--weights", str(weights), "--learning-rate", "1e-30"]
    arguments += ["--weight-decay", "0"]
    assert main(arguments) == 0
    capsys.readouterr()
    record = json.loads((second / "record.json").read_text())
    described = record["initial_weights"]
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert described["source"] == "model.weights.h5"
    assert described["sha256"] == digest
    assert described["record"] == json.loads(
        (first / "record.json").read_text()
    )
    assert [run["epochs"] for run in lineage.runs(record)] == [
        described["record"]["epochs"],
        record["epochs"],
    ]
    kernels = []
    for folder in (first, second):
        model = tiny_model(classes=2, input_shape=(8, 8, 3))
        loader.load(model, folder / "model.weights.h5")
        kernels.append(model.get_layer("stem_conv").get_weights()[0])
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-6)
    arguments = train_arguments(data, tmp_path / "third", "--weights", "x.h5")
    assert "x.h5" in error_of(arguments, capsys)


def test_frozen_stages_stay_as_they_are(data, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(train_arguments(data, first)) == 0
    more = ["--weights", str(first), "--freeze", "stage2"]
    assert main(train_arguments(data, second, *more)) == 0
    capsys.readouterr()
    record = json.loads((second / "record.json").read_text())
    assert record["frozen_until"] == "stage2"
    values = []
    for folder in (first, second):
        model = tiny_model(classes=2, input_shape=(8, 8, 3))
        loader.load(model, folder / "model.weights.h5")
        values.append(
            [
                model.get_layer(name).get_weights()[0]
                for name in ("stem_conv", "head")
            ]
        )
    np.testing.assert_array_equal(values[0][0], values[1][0])
    assert np.abs(values[0][1] - values[1][1]).max() > 1e-6
    # Resuming with another part frozen is another run.
    again = train_arguments(data, second, "--weights", str(first), "--resume")
    assert "frozen_until" in error_of(again, capsys)


def test_list(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("plain_resnet20 ") for line in lines) == 1
    assert all("weights: " in line for line in lines)


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == _version.__version__


def test_unknown_command_shows_the_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["fly"])
    assert caught.value.code == 2
    assert "usage: keras-pnnh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--model", "plain_resnet21"], "plain_resnet20"),
        (["--data", "no/such/folder/"], "existing folder of images by class"),
        (["--recipe", "imagenet"], "`--recipe` must be one of"),
        (["--epochs", "0"], "epochs=0"),
        (["--validation-split", "0.99"], "validation split"),
        (["--image-size", "3"], "at least 4x4"),
        (["--freeze", "stage9"], "stage9"),
    ],
)
def test_wrong_training_arguments(changes, message, data, tmp_path, capsys):
    output = tmp_path / "run"
    arguments = train_arguments(data, output, *changes)
    assert message in error_of(arguments, capsys)
    assert not output.exists()


@pytest.mark.parametrize("seed", ["-1", str(2**32), "1.5", "x"])
@pytest.mark.parametrize("command", ["train", "analyze"])
def test_a_seed_is_a_whole_number(command, seed, capsys):
    with pytest.raises(SystemExit):
        main([command, "--seed", seed])
    shown = capsys.readouterr().err
    assert f"must be a whole number from 0 to 4294967295: '{seed}'" in shown


def test_wrong_weights(data, tmp_path, capsys):
    arguments = ["evaluate", "--model", "tiny", "--data", data]
    for name, content in (
        ("none.weights.h5", None),
        ("text.weights.h5", b"no weights"),
        ("weights.txt", b"no weights"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        error = error_of([*arguments, "--weights", path], capsys)
        assert name in error


def test_damaged_image(data, tmp_path, capsys):
    path = data / "train" / "ant" / "3.png"
    path.write_bytes(path.read_bytes()[:60])
    error = error_of(train_arguments(data, tmp_path / "run"), capsys)
    assert str(path) in error
    assert not (tmp_path / "run").exists()


def test_interrupt(data, tmp_path, capsys, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_pnnh.training.train", interrupt)
    assert main(train_arguments(data, tmp_path / "run")) == 130
    assert "--resume" in capsys.readouterr().err


@pytest.mark.full_only
@pytest.mark.slow
def test_runs_as_a_module():
    result = subprocess.run(
        [sys.executable, "-m", "keras_pnnh.cli", "train"],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 2
    assert "--model" in result.stderr
