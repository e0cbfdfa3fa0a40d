"""`keras-pnnh classify` names what is in image files, as text."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from keras_pnnh.applications import PlainResNet20
from keras_pnnh.applications.decode_predictions import Prediction
from keras_pnnh.cli.classify import as_table
from keras_pnnh.cli.main import main
from keras_pnnh.samples import sample_images
from keras_pnnh.weights import Classifier, save_weights


def show(label, path="a/x.png"):
    console = Console(file=io.StringIO(), width=200)
    console.print(as_table([path], [[Prediction(0, label, 0.9)]]))
    return console.file.getvalue()


@pytest.mark.every_backend
def test_bundled_weights_recognise_the_samples(capsys):
    samples = sample_images()[::3]
    assert main(["classify", *(str(each.path) for each in samples)]) == 0
    rows = capsys.readouterr().out.splitlines()[3:-1]
    right = [
        row.split("│")[2].split()[0] == sample.label
        for row, sample in zip(rows, samples, strict=True)
    ]
    assert np.mean(right) > 0.7


@pytest.mark.parametrize("top", [0, 11])
def test_top_out_of_range(top, capsys):
    path = str(sample_images()[0].path)
    assert main(["classify", path, "--top", str(top)]) == 1
    assert "between 1 and the 10 classes" in capsys.readouterr().err


def test_image_that_is_none(tmp_path, capsys):
    path = tmp_path / "note.jpg"
    path.write_text("no image")
    assert main(["classify", str(path)]) == 1
    assert "note.jpg" in capsys.readouterr().err


@pytest.mark.parametrize(
    "label",
    ["[/cat]", "[red]fox[/blue]", "cat [tabby]", "[link=x]y[/link]", r"\[b]"],
)
def test_markup_of_a_label_is_text(label):
    assert f"{label} 90.0 %" in show(label)


def test_names_of_files_are_text():
    assert "photo[copy].png" in show("cat", "a/photo[copy].png")
    assert "[bold]/x.png" in show("cat", "[bold]/x.png")


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("a\rb", r"a\rb"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egnp", r"\u202egnp"),
        ("Ärger 猫", "Ärger 猫"),
    ],
)
def test_control_characters_are_shown(label, shown):
    assert shown in show(label)


def test_names_in_warnings_and_errors_are_text(tmp_path):
    """In another process, where no test listens to the warnings."""
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (32, 32)).save(tmp_path / name / "0.png")
    (tmp_path / "ant" / "\x1b[2J[red].txt").touch()
    (tmp_path / "ant" / "\x1b[2J.png").touch()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "keras_pnnh.cli", "evaluate"),
            *("--weights", "plain_resnet20.cifar10", "--data", tmp_path),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    warning = next(line for line in lines if line.startswith("warning: Only"))
    assert r"Left out: ant/\x1b[2J[red].txt." in warning
    error = next(line for line in lines if line.startswith("error: "))
    assert r"ant/\x1b[2J.png" in error
    assert "\x1b[2J" not in done.stderr


def test_labels_of_a_weight_file_stay_text(tmp_path, capsys):
    model = PlainResNet20(classes=2, input_shape=(8, 8, 3))
    labels = Classifier(("[/cat]", "\x1b[2Jdog"), (8, 8))
    save_weights(model, tmp_path / "net.weights.h5", labels)
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    arguments = [str(tmp_path / "x.png"), "--top", "2"]
    arguments += ["--weights", str(tmp_path / "net.weights.h5")]
    assert main(["classify", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "[/cat]" in printed and r"\x1b[2Jdog" in printed
    assert "\x1b[2J" not in printed
