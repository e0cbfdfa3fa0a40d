"""Networks by `--weights` alone, and by `--set` where there are none."""

import argparse

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from keras_pnnh.applications import create_model
from keras_pnnh.cli import networks
from keras_pnnh.cli.main import main
from keras_pnnh.weights import (
    Classifier,
    architecture,
    notes,
    save_weights,
)

LABELS = ("ant", "bee")

# What the README recommends, and one of every family.
NETWORKS = {
    "concat": ("plain_resnet20", {"code_placement": "concat"}),
    "narrow": ("plain_resnet20", {"filters_per_stage": [4, 6, 8]}),
    "twin": ("plain_resnet20", {"internal_path": "residual"}),
    "mobilenet": ("plain_mobilenet_v2_035", {"stem": "3x3"}),
    "vit": ("plain_vit_tiny16", {"patch_size": 4, "depth": 1}),
}


def options(**given):
    return argparse.Namespace(
        **{"model": None, "path": None, "set": [], "weights": None, **given}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images by class, and one to classify."""
    root = tmp_path_factory.mktemp("networks")
    generator = np.random.default_rng(0)
    for name in LABELS:
        (root / "data" / name).mkdir(parents=True)
        for index in range(2):
            pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "data" / name / f"{index}.png")
    return root


def saved(kind, folder):
    name, arguments = NETWORKS[kind]
    # Arguments that the constructor has: families differ.
    known = networks.model_arguments(networks.constructor(name))
    arguments = {key: arguments[key] for key in arguments if key in known}
    size = 32 if kind == "mobilenet" else 8
    shape = (size, size, 3)
    model = create_model(name, classes=2, input_shape=shape, **arguments)
    run = folder / kind
    run.mkdir(exist_ok=True)
    labels = Classifier(LABELS, (size, size))
    save_weights(model, run / "model.weights.h5", labels)
    return run, model


@pytest.mark.parametrize("kind", NETWORKS)
def test_weights_say_which_network_they_are_of(kind, folder):
    run, model = saved(kind, folder)
    shape = (3, *model.input_shape[1:])
    images = np.random.default_rng(1).uniform(0, 255, shape)
    opened, classifier = networks.open_trained(options(weights=str(run)))
    assert classifier.labels == LABELS
    np.testing.assert_allclose(
        opened.predict(images, verbose=0),
        model.predict(images, verbose=0),
        atol=1e-6,
    )


@pytest.mark.parametrize("kind", ["concat", "narrow"])
def test_recommended_networks_are_evaluated_and_classified(
    kind, folder, capsys
):
    run, _ = saved(kind, folder)
    data = folder / "data"
    arguments = ["--weights", str(run)]
    assert main(["evaluate", *arguments, "--data", str(data)]) == 0
    assert "% of 4 images" in capsys.readouterr().out
    image = str(data / "ant" / "0.png")
    assert main(["classify", image, *arguments, "--top", "2"]) == 0
    printed = capsys.readouterr().out
    assert "ant" in printed and "bee" in printed


def test_evaluate_resizes_to_the_size_of_the_weights(folder, tmp_path, capsys):
    run, _ = saved("narrow", folder)
    for name in LABELS:
        (tmp_path / name).mkdir()
        Image.new("RGB", (16, 12)).save(tmp_path / name / "0.png")
    arguments = ["--weights", str(run), "--data", str(tmp_path)]
    assert main(["evaluate", *arguments]) == 0
    assert "% of 2 images" in capsys.readouterr().out


def test_set_builds_what_it_says():
    model = networks.build(
        options(
            model="plain_resnet20",
            path="coder",
            set=["code_placement=concat", "filters-per-stage=4,6,8"],
        ),
        classes=2,
        input_shape=(8, 8, 3),
    )
    config = model.get_config()
    assert config["code_placement"] == "concat"
    assert list(config["filters_per_stage"]) == [4, 6, 8]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("code_placment=concat", "Nearest: code_placement"),
        ("code_placement", "--set code_placement"),
        ("=concat", "--set =concat"),
        ("weights=imagenet", "no such argument"),
        ("code_placement=sideways", "sideways"),
        ("filters_per_stage=4,x", "4,x"),
    ],
)
def test_settings_that_do_not_fit(given, message, folder, tmp_path, capsys):
    arguments = ["train", "--model", "plain_resnet20", "--set", given]
    arguments += ["--data", str(folder / "data")]
    assert main([*arguments, "--output", str(tmp_path / "run")]) == 1
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("cifar10", "plain_resnet20.cifar10"),
        ("cifar11", "plain_resnet20.cifar10"),
        ("none.weights.h5", "none.weights.h5"),
        ("hf://alone", "hf://owner/name"),
    ],
)
def test_weights_that_say_nothing(weights, message, capsys):
    arguments = ["--weights", weights, "--data", "nowhere"]
    assert main(["evaluate", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_without_a_finished_run(tmp_path, capsys):
    arguments = ["--weights", str(tmp_path), "--data", "nowhere"]
    assert main(["evaluate", *arguments]) == 1
    assert "finished run" in capsys.readouterr().err


def test_a_file_without_a_note_asks_for_the_model(tmp_path, folder, capsys):
    inputs = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(flat))
    path = tmp_path / "own.weights.h5"
    save_weights(model, path, Classifier(LABELS, (8, 8)))
    arguments = ["--weights", str(path), "--data", str(folder / "data")]
    assert main(["evaluate", *arguments]) == 1
    assert "name the model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ('{"class_name": "PlainNothing"}', "class_name='PlainNothing'"),
        ('{"class_name": "PlainConv2D"}', "class_name='PlainConv2D'"),
        ('{"class_name": ["a"]}', "class_name="),
        ("[1, 2]", "is damaged: a list"),
        ('{"class_name": "PlainResNet", "wheels": 4}', "with wheels"),
        ("{", "error: "),
    ],
)
def test_a_note_of_another_kind(note, message, folder, capsys):
    run, _ = saved("narrow", folder)
    with h5py.File(run / "model.weights.h5", "r+") as file:
        file.attrs[architecture.ATTRIBUTE] = note
        notes.seal(file)
    data = str(folder / "data")
    assert main(["evaluate", "--weights", str(run), "--data", data]) == 1
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
