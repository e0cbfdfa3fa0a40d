"""Runs that are killed at a random moment, and go on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from outcomes import BARE, RIGHT, WRONG
from PIL import Image

# How fast the machine was.
TIMES = ("seconds", "images_per_second", "input_share")
RUN = Path(__file__).parents[2] / "tests" / "training" / "run_cli.py"


def prepare(folder):
    """The run that is never stopped, and how long it takes."""
    pictures(folder)
    started = time.monotonic()
    done = run(folder, "whole")
    if done.returncode:
        raise RuntimeError(done.stderr)
    return folder, result(folder / "whole"), time.monotonic() - started


def pictures(folder):
    """Eight pictures of each of three classes."""
    generator = np.random.default_rng(0)
    data = folder / "images" / "train"
    for label, name in enumerate(("ant", "bee", "cat")):
        (data / name).mkdir(parents=True)
        for index in range(8):
            pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            pixels[..., label] = 255
            Image.fromarray(pixels).save(data / name / f"{index}.png")


def command(folder, name, *more):
    return [
        *(sys.executable, str(RUN), "train", "--model", "tiny"),
        *("--data", str(folder / "images"), "--output", str(folder / name)),
        *("--epochs", "6", "--batch-size", "4", "--warmup-epochs", "1"),
        *("--seed", "3", "--validation-split", "0.25"),
        *("--learning-rate", "0.05", "--checkpoint-steps", "2", *more),
    ]


def run(folder, name, *more):
    return subprocess.run(
        command(folder, name, *more),
        env={**os.environ, "FAULT": "none"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def result(folder):
    """What a run leaves: its metrics, and a digest of its weights."""
    import h5py

    record = json.loads((folder / "record.json").read_text())
    epochs = [
        {key: row[key] for key in row if key not in TIMES}
        for row in record["epochs"]
    ]
    arrays = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()].tobytes()})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return epochs, arrays


def trial(seed, shared):
    """A kill, perhaps a second one, and the end."""
    folder, wanted, seconds = shared
    generator = np.random.default_rng(seed)
    name = f"killed{seed}"
    moments = []
    for _ in range(int(generator.integers(1, 3))):
        # Most of the time is the start; half of the kills come after it.
        moment = float(generator.uniform(0.1, 1.0)) * seconds
        if generator.random() < 0.5:
            moment = float(generator.uniform(0.6, 1.0)) * seconds
        moments.append(f"{moment:.2f} s")
        process = subprocess.Popen(
            command(folder, name, "--resume"),
            env={**os.environ, "FAULT": "none"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    done = run(folder, name, "--resume")
    note = f"killed after {' and '.join(moments)}"
    if done.returncode:
        return BARE, f"{note}: {done.stderr.strip()[-300:]}"
    if result(folder / name) != wanted:
        return WRONG, f"{note}: another result"
    leftovers = [
        path.name
        for path in (folder / name).iterdir()
        if path.name.startswith((".unfinished", "checkpoint"))
    ]
    return (WRONG, f"{note}: left {leftovers}") if leftovers else (RIGHT, note)
