"""A process with another Keras backend, which writes or runs a file.

A process has one backend for its life, and every format is written by some
backends only. The model goes there as a `.keras` file, arrays go both ways as
NumPy files.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_pnnh.deployment.formats.format import Format, run_in_batches
from keras_pnnh.deployment.process import run_module

if TYPE_CHECKING:
    import keras


def write_elsewhere(
    backend: str,
    format: Format,
    model: "keras.Model",
    path: str | Path,
    representative: np.ndarray | None,
    time_limit: float | None,
) -> None:
    """`format.write` in a process with `backend`.

    Raises:
        ValueError: With what went wrong there.
        TimeLimitError: If it took longer than `time_limit` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        if representative is not None:
            np.save(Path(folder) / "representative.npy", representative)
        _start(backend, folder, "write", format, path, time_limit)


def run_elsewhere(
    backend: str,
    format: Format,
    path: str | Path,
    images: np.ndarray,
    time_limit: float | None,
) -> np.ndarray:
    """Results of a file on images, in a process with `backend`.

    Raises:
        ValueError: With what went wrong there.
        TimeLimitError: If it took longer than `time_limit` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        _start(backend, folder, "run", format, path, time_limit)
        return np.load(Path(folder) / "results.npy")


def _start(backend, folder, task, format, path, time_limit):
    problem = Path(folder) / "problem.json"
    try:
        run_module(
            __name__,
            [folder, task, format.name, str(Path(path).absolute())],
            backend,
            time_limit,
        )
    except ValueError as error:
        if not problem.is_file():
            raise
        text = json.loads(problem.read_text(encoding="utf-8"))
        raise ValueError(text) from error


def main(arguments: Sequence[str]) -> int:
    """What the other process does; returns its exit status."""
    import keras

    from keras_pnnh.deployment.formats import get_format

    folder, task, name, path = arguments
    folder, format = Path(folder), get_format(name)
    try:
        if task == "write":
            images = folder / "representative.npy"
            format.write(
                keras.saving.load_model(folder / "model.keras", compile=False),
                path,
                np.load(images) if images.is_file() else None,
            )
        else:
            images = np.load(folder / "images.npy")
            results = run_in_batches(format.open(path), images)
            np.save(folder / "results.npy", results)
    # Whatever it was, the other side tells the user.
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        (folder / "problem.json").write_text(json.dumps(text), encoding="utf-8")
        return 1
    return 0
