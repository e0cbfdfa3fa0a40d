"""Run an exported file in its own runtime."""

import importlib.metadata

import keras
import numpy as np

from keras_pnnh.deployment.checks import check_packages
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.worker import run_elsewhere

# Names under which the packages of the runtimes are published.
DISTRIBUTIONS = {
    "ai_edge_litert": ("ai-edge-litert",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
}


def run_file(path, format, images, batch_size=250):
    """Results of an exported network, computed by its runtime.

    Args:
        path: The file, or the folder of a SavedModel.
        format: As for `keras_pnnh.export`.
        images: `(n, height, width, channels)`, in the range that the model
            takes.
        batch_size: Images per call.

    Returns:
        A NumPy array with one row for each image.

    Raises:
        ValueError: If the format is unknown, or the runtime refuses the file.
        ModuleNotFoundError: If the runtime is not installed.
    """
    form = get_format(format)
    check_packages(form)
    images = np.ascontiguousarray(images, dtype="float32")
    try:
        if form.runs_in in (None, keras.backend.backend()):
            return run_in_batches(form.open(path), images, batch_size)
        return run_elsewhere(form.runs_in, form, path, images)
    # Every runtime has errors of its own.
    except Exception as error:
        raise ValueError(
            f"An exported file must run in its runtime, {form.runtime}. "
            f"Received: '{path}' as format='{format}': {error}"
        ) from error


def run_in_batches(run, images, batch_size=250):
    """Results of a function on images, batch by batch."""
    starts = range(0, len(images), batch_size)
    return np.concatenate(
        [
            # A copy: a runtime may reuse the memory of its results.
            np.array(run(images[start : start + batch_size]))
            for start in starts
        ]
    )


def describe_runtime(format):
    """Package and version of what runs a format."""
    name = format.runtime
    for distribution in DISTRIBUTIONS.get(name, (name,)):
        try:
            return f"{name} {importlib.metadata.version(distribution)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return name
