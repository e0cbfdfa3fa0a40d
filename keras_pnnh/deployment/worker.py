"""A process with another Keras backend, which writes or runs a file.

A process has one backend for its life, and every format is written by some
backends only. The model goes there as a `.keras` file, arrays go both ways as
NumPy files.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).parents[1]


def write_elsewhere(backend, format, model, path, representative):
    """`format.write` in a process with `backend`.

    Raises:
        ValueError: With what went wrong there.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        if representative is not None:
            np.save(Path(folder) / "representative.npy", representative)
        _start(backend, folder, "write", format, path)


def run_elsewhere(backend, format, path, images):
    """Results of a file on images, in a process with `backend`.

    Raises:
        ValueError: With what went wrong there.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        _start(backend, folder, "run", format, path)
        return np.load(Path(folder) / "results.npy")


def _start(backend, folder, task, format, path):
    arguments = [folder, task, format.name, str(Path(path).absolute())]
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "keras_pnnh.deployment.worker", *arguments],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
        capture_output=True,
        text=True,
    )
    problem = Path(folder) / "problem.json"
    if problem.is_file():
        raise ValueError(json.loads(problem.read_text(encoding="utf-8")))
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise ValueError(
            f"the process with {backend} ended with status "
            f"{done.returncode}: {lines[-1]}"
        )


def main(arguments):
    """What the other process does."""
    import keras

    import keras_pnnh  # noqa: F401  (its layers must be known)
    from keras_pnnh.deployment.formats import get_format
    from keras_pnnh.deployment.run_file import run_in_batches

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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
