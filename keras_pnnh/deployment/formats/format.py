"""What the library knows of a file format."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np


class Format(NamedTuple):
    """One row of the table of formats.

    Attributes:
        name: What the user asks for.
        suffix: How its files' names end; "" for a folder.
        runtime: The package that runs the files, as it is imported.
        backends: Keras backends that can write it, the preferred one first.
        packages: What must be installed to run it.
        converters: What else must be to write it, by backend.
        write: `write(model, path, representative)`.
        open: `open(path, threads)`, returns a function from images to results,
            both NumPy arrays; the images may be of any type and number.
        tolerance: The largest difference from the Keras model, relative to
            its largest result, that rounding explains; None where the format
            rounds on purpose.
        quantized: Whether representative images are needed.
        runs_in: The Keras backend whose process runs it; None for any.
        annotate: `annotate(path, metadata)`, puts a dictionary of strings into
            a file; None if the format has no place for it.
        graph: The file of a folder that `audit` reads; "" for the file itself.
        pairs: Whether the runtime adds products of integers in 16 bits.
        open_sizes: Whether height and width may be left open.
    """

    name: str
    suffix: str
    runtime: str
    backends: tuple[str, ...]
    packages: tuple[str, ...]
    write: Callable[..., None]
    open: Callable[..., Callable[[np.ndarray], np.ndarray]]
    # Eleven bits short of float32: kernels sum in another order, and some
    # runtimes convolve by Winograd's method.
    tolerance: float | None = 1e-3
    quantized: bool = False
    runs_in: str | None = None
    converters: Mapping[str, tuple[str, ...]] = {}
    annotate: Callable[..., None] | None = None
    graph: str = ""
    pairs: bool = False
    open_sizes: bool = True


def signature_of(model: keras.Model) -> list[keras.InputSpec]:
    """What a model takes, with the batch it was built for.

    Without it Keras leaves the batch open, and takes a model for unbuilt that
    has not been called since it was loaded.
    """
    return [
        keras.InputSpec(given.dtype, given.shape, name=given.name)
        for given in model.inputs
    ]


def as_file_takes(
    run: Callable[[np.ndarray], np.ndarray],
    dtype: Any,
    batch_size: int | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """`run` for images of any type and number.

    Args:
        run: Function from images to results.
        dtype: The type that it takes.
        batch_size: The number of images that it takes; None for any.
    """

    def run_any(images):
        images = np.ascontiguousarray(images, dtype=dtype)
        count = len(images)
        if batch_size is None or count == batch_size:
            return run(images)
        missing = -count % batch_size
        if missing:
            filling = np.repeat(images[-1:], missing, 0)
            images = np.concatenate([images, filling])
        return run_in_batches(run, images, batch_size)[:count]

    return run_any


def run_in_batches(
    run: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    batch_size: int = 250,
) -> np.ndarray:
    """Results of a function on images, batch by batch."""
    starts = range(0, len(images), batch_size)
    return np.concatenate(
        [
            # A copy: a runtime may reuse the memory of its results.
            np.array(run(images[start : start + batch_size]))
            for start in starts
        ]
    )
