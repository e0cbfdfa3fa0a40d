"""Run an exported file in its own runtime."""

import importlib.metadata
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.checks import check_packages
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.formats.format import Format, run_in_batches
from keras_pnnh.deployment.process import TIME_LIMIT, TimeLimitError
from keras_pnnh.deployment.worker import run_elsewhere

# Names under which the packages of the runtimes are published.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "ai_edge_litert": ("ai-edge-litert",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
}


def run_file(
    path: str | Path,
    format: str,
    images: np.ndarray,
    batch_size: int = 250,
    time_limit: float | None = TIME_LIMIT,
) -> np.ndarray:
    """Results of an exported network, computed by its runtime.

    Args:
        path: The file, or the folder of a SavedModel or of OpenVINO.
        format: As for `keras_pnnh.export`.
        images: `(n, height, width, channels)`, in the range that the model
            takes.
        batch_size: Images per call.
        time_limit: Seconds that a process may take, where one of its own has
            to run the file; None for no limit.

    Returns:
        A NumPy array with one row for each image.

    Raises:
        ValueError: If the format is unknown, the runtime refuses the file, or
            the process took too long.
        ModuleNotFoundError: If the runtime is not installed.

    Example:

    >>> import tempfile
    >>> import keras
    >>> import numpy as np
    >>> from keras_pnnh.deployment import export, run_file
    >>> x = keras.Input((8, 8, 3))
    >>> model = keras.Model(x, keras.layers.Conv2D(4, 3)(x))
    >>> images = np.zeros((2, 8, 8, 3), "float32")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export(model, f"{folder}/model.pt2", "torch")
    ...     run_file(f"{folder}/model.pt2", "torch", images).shape
    (2, 6, 6, 4)
    """
    form = get_format(format)
    check_packages(form)
    images = np.asarray(images)
    try:
        if form.runs_in in (None, keras.backend.backend()):
            return run_in_batches(form.open(path), images, batch_size)
        return run_elsewhere(form.runs_in, form, path, images, time_limit)
    except TimeLimitError:
        raise
    # Every runtime has errors of its own.
    except Exception as error:
        raise ValueError(
            f"An exported file must run in its runtime, {form.runtime}. "
            f"Received: '{path}' as format='{format}': {error}"
        ) from error


def describe_runtime(format: Format) -> str:
    """Package and version of what runs a format."""
    name = format.runtime
    for distribution in DISTRIBUTIONS.get(name, (name,)):
        try:
            return f"{name} {importlib.metadata.version(distribution)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return name
