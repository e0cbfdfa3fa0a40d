"""The number of devices changes no result."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_pnnh.training import devices, evaluate, train, use_devices
from keras_pnnh.training.batches import TrainingBatches

SCRIPT = Path(__file__).with_name("run_cli.py")
jax_only = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="several devices are JAX's"
)


def run(arguments, count=1, **environment):
    flags = f"--xla_force_host_platform_device_count={count}"
    flags += " --xla_backend_optimization_level=0"
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, "XLA_FLAGS": flags, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def metrics_of(folder):
    record = json.loads((folder / "record.json").read_text())
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return np.array([[row[name] for name in names] for row in record["epochs"]])


@pytest.fixture
def two_epochs(train_arguments):
    """18 images in batches of four; six images of validation."""
    arguments = [*train_arguments]
    arguments[arguments.index("--epochs") + 1] = "2"
    return arguments


@jax_only
@pytest.mark.slow
def test_four_devices_do_what_one_does(two_epochs, tmp_path):
    folders = {}
    for count in (1, 4):
        folder = folders[count] = tmp_path / str(count)
        two_epochs[two_epochs.index("--output") + 1] = str(folder)
        done = run([*two_epochs, "--devices", "all"], count)
        assert done.returncode == 0, done.stderr
        assert "leaves out 2 of 18 training images" in done.stderr
        record = json.loads((folder / "record.json").read_text())
        assert record["devices"] == count
    np.testing.assert_allclose(
        metrics_of(folders[4]), metrics_of(folders[1]), atol=1e-5
    )
    # One of 25 images fills up.
    weights = str(folders[1] / "model.weights.h5")
    data = two_epochs[two_epochs.index("--data") + 1]
    command = ["evaluate", "--model", "tiny", "--weights", weights]
    command += ["--data", data, "--batch-size", "5"]
    printed = [
        run([*command, "--devices", str(count)], 5).stdout for count in (1, 5)
    ]
    assert printed[0] == printed[1]
    assert "of 24 images" in printed[0]


def test_a_batch_that_devices_do_not_divide(
    make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    monkeypatch.setattr(devices, "replicas", lambda: 3)
    with pytest.raises(
        ValueError, match="batch_size=8 on 3 devices. Take 6 or 9"
    ):
        TrainingBatches(tiny_data, tiny_recipe, seed=0)
    monkeypatch.setattr(devices, "replicas", lambda: 40)
    recipe = dataclasses.replace(tiny_recipe, batch_size=40)
    with pytest.raises(ValueError, match="36 training images on 40 devices"):
        TrainingBatches(tiny_data, recipe, seed=0)


@jax_only
def test_a_model_of_one_device_is_refused_on_several(
    make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    model = make_model()
    mesh = type("Mesh", (), {"devices": np.zeros(4)})
    monkeypatch.setattr(
        keras.distribution,
        "distribution",
        lambda: type("Four", (), {"device_mesh": mesh}),
    )
    for call in (
        lambda: train(model, tiny_data, tiny_recipe, tmp_path / "run"),
        lambda: evaluate(model, tiny_data),
    ):
        with pytest.raises(ValueError, match="built after its devices.*1 of"):
            call()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("count", [0, -1, True, 1.0, "two"])
def test_count_is_checked(count):
    with pytest.raises(ValueError, match="'all' or a whole number"):
        with use_devices(count):
            pass


def test_more_devices_than_there_are():
    with pytest.raises(ValueError, match="at most the number that there are"):
        with use_devices(1000):
            pass
