"""A run that was stopped goes on as if nothing had happened."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_pnnh.cli.main import main

TIMES = ("seconds", "images_per_second", "input_share")
SCRIPT = Path(__file__).with_name("run_cli.py")


def run_with_fault(arguments, fault):
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, "FAULT": fault},
        capture_output=True,
        text=True,
        timeout=300,
    )


def without_times(epochs):
    return [
        {key: value for key, value in row.items() if key not in TIMES}
        for row in epochs
    ]


def epochs_of(folder):
    state = json.loads((folder / "state.json").read_text())
    return without_times(state["epochs"])


def weights_of(folder):
    arrays = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return arrays


@pytest.fixture(scope="module")
def unbroken(image_folder, tmp_path_factory):
    """The run of `train_arguments`, never stopped."""

    def run(arguments):
        folder = tmp_path_factory.getbasetemp() / "unbroken"
        if not folder.exists():
            output = arguments.index("--output") + 1
            changed = [*arguments]
            changed[output] = str(folder)
            assert main(changed) == 0
        return folder

    return run


def assert_same_run(folder, other):
    assert epochs_of(folder) == epochs_of(other)
    ours, theirs = weights_of(folder), weights_of(other)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


@pytest.mark.slow
def test_killed_twice_and_resumed_equals_unbroken(
    train_arguments, tiny_catalog, unbroken, tmp_path
):
    expected = unbroken(train_arguments)
    seed = random.SystemRandom().randrange(1000)
    print(f"seed of the moments of the kills: {seed}")
    chance = random.Random(seed)
    folder = tmp_path / "run"
    first = chance.randrange(1, 3)
    # Once amid an epoch ...
    killed = run_with_fault(
        train_arguments, f"kill {first} {chance.randrange(4)}"
    )
    assert killed.returncode == -9, killed.stderr
    assert len(epochs_of(folder)) == first
    assert not (folder / "model.weights.h5").exists()
    # ... and once while the next checkpoint is written.
    second = chance.randrange(first, 4)
    killed = run_with_fault(
        [*train_arguments, "--resume"], f"kill-while-writing {second}"
    )
    assert killed.returncode == -9, killed.stderr
    assert len(epochs_of(folder)) == second
    assert len(list(folder.glob(".unfinished-*"))) == 1
    assert main([*train_arguments, "--resume"]) == 0
    assert_same_run(folder, expected)
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "images.npy",
        "state.json",
        "log.csv",
        "curves.png",
        "model.weights.h5",
        "model.keras",
        "record.json",
    }


@pytest.mark.slow_on_jax
@pytest.mark.slow
def test_interrupt_is_reported_and_resumable(
    train_arguments, tiny_catalog, unbroken, tmp_path
):
    result = run_with_fault(train_arguments, "interrupt 2 1")
    assert result.returncode == 130, result.stderr
    assert "--resume" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert len(epochs_of(tmp_path / "run")) == 2
    assert main([*train_arguments, "--resume"]) == 0
    assert_same_run(tmp_path / "run", unbroken(train_arguments))


@pytest.mark.torch_only
@pytest.mark.slow
def test_full_disk_keeps_the_checkpoint_before(
    train_arguments, tiny_catalog, unbroken, tmp_path
):
    result = run_with_fault(train_arguments, "full-disk 2 0")
    assert result.returncode == 1, result.stderr
    errors = [
        line for line in result.stderr.splitlines() if line.startswith("error:")
    ]
    assert len(errors) == 1
    assert "checkpoint-0003.npz" in errors[0]
    assert "File too large" in errors[0]
    assert "Free some space" in errors[0]
    assert "Traceback" not in result.stderr
    assert not list((tmp_path / "run").glob(".unfinished-*"))
    assert len(epochs_of(tmp_path / "run")) == 2
    assert main([*train_arguments, "--resume"]) == 0
    assert_same_run(tmp_path / "run", unbroken(train_arguments))


def test_resuming_a_finished_run_changes_nothing(
    train_arguments, tiny_catalog, unbroken, capsys
):
    folder = unbroken(train_arguments)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    output = train_arguments.index("--output") + 1
    train_arguments[output] = str(folder)
    assert main([*train_arguments, "--resume"]) == 0
    assert "is finished: nothing is left to do" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_new_run_never_overwrites_another(
    train_arguments, tiny_catalog, unbroken, capsys
):
    folder = unbroken(train_arguments)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    output = train_arguments.index("--output") + 1
    train_arguments[output] = str(folder)
    assert main(train_arguments) == 1
    assert "`--resume`" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_resumed_run_keeps_its_settings(
    train_arguments, tiny_catalog, unbroken, capsys
):
    folder = unbroken(train_arguments)
    output = train_arguments.index("--output") + 1
    train_arguments[output] = str(folder)
    train_arguments[train_arguments.index("--epochs") + 1] = "5"
    capsys.readouterr()  # what the first run printed, if it ran just now
    assert main([*train_arguments, "--resume"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "other settings: recipe: epochs: was 4, now 5." in error


def test_learning_rate_of_every_epoch(train_arguments, tiny_catalog, unbroken):
    # Peak 0.05 after 4 steps of warm-up; a cosine over the other 12.
    expected = 0.025 * (1 + np.cos(np.pi * np.array([0, 4, 8, 12]) / 12))
    rates = [
        row["learning_rate"] for row in epochs_of(unbroken(train_arguments))
    ]
    np.testing.assert_allclose(rates, expected, rtol=1e-6, atol=1e-9)
