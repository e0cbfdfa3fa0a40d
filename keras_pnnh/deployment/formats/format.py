"""What the library knows of a file format."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

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
            both NumPy arrays.
        tolerance: The largest difference from the Keras model, relative to
            its largest result, that rounding explains; None where the format
            rounds on purpose.
        quantized: Whether representative images are needed.
        runs_in: The Keras backend whose process runs it; None for any.
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
