"""Whether the numbers in a weight file are those that were written."""

import hashlib
import logging
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from keras_pnnh.weights import notes

ATTRIBUTE = "keras_pnnh_content_sha256"


def write(file: h5py.File) -> None:
    """Note the digest in an open file, after everything else."""
    file.attrs[ATTRIBUTE] = digest(file)


def check(file: h5py.File) -> None:
    """Raise unless the numbers are finite, and the ones that were written.

    A file of another writer has no digest; that is logged.

    Raises:
        ValueError: For other numbers, NaN, infinity, or numbers that are not
            real or too large for float32.
    """
    found = digest(file, _check_numbers)
    noted = notes.text_of(file, ATTRIBUTE)
    if noted is None:
        logging.getLogger(__name__).info(
            "'%s' has no digest of its content, so damage would not be "
            "noticed; files that this library writes have one.",
            file.filename,
        )
    elif str(noted) != found:
        raise ValueError(
            "A weight file must hold the numbers that were written to it. "
            f"Received: '{file.filename}', whose content does not have the "
            "digest that it notes: it was damaged or changed. Fetch or write "
            "it again with `keras_pnnh.save_weights`."
        )


def digest(file: h5py.File, look: Callable | None = None) -> str:
    """SHA-256 of all variables with their names, types and shapes.

    Args:
        file: An open weight file.
        look: Called with the file, a name and the numbers, which are read
            once.
    """
    result = hashlib.sha256()
    for name, item in sorted(_variables(file)):
        numbers = np.ascontiguousarray(item[()])
        if look is not None:
            look(file, name, numbers)
        result.update(f"{name} {item.dtype} {item.shape}\0".encode())
        result.update(numbers.tobytes())
    return result.hexdigest()


def _check_numbers(file, name, numbers):
    # bfloat16, which HDF5 does not know, is stored as opaque bytes.
    if numbers.dtype.kind == "V":
        return
    if numbers.dtype.kind not in "fiub":
        raise ValueError(
            "Weights must be real numbers. Received: "
            f"'{file.filename}', whose '{name}' has type {numbers.dtype}. "
            "Fetch or write the file again."
        )
    with np.errstate(over="ignore"):
        finite = np.isfinite(numbers.astype("float32")).all()
    if not finite:
        raise ValueError(
            "Weights must be finite numbers of float32. Received: "
            f"'{file.filename}', whose '{name}' holds NaN, infinity or "
            "more than float32 can. The run that wrote it diverged, or "
            "the file is damaged: take an earlier one."
        )


def _variables(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    found = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found.append((name, item))

    file.visititems(visit)
    return iter(found)
