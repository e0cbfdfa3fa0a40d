"""Whether the numbers in a weight file are those that were written."""

import hashlib
import logging
from collections.abc import Iterator

import h5py
import numpy as np

ATTRIBUTE = "keras_pnnh_content_sha256"


def digest(file: h5py.File) -> str:
    """SHA-256 of all variables with their names, types and shapes."""
    result = hashlib.sha256()
    for name, item in sorted(_variables(file)):
        result.update(f"{name} {item.dtype} {item.shape}\0".encode())
        result.update(np.ascontiguousarray(item[()]).tobytes())
    return result.hexdigest()


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
    for name, item in _variables(file):
        if item.dtype.kind not in "fiub":
            # bfloat16, which HDF5 does not know, is stored as opaque bytes.
            if item.dtype.kind == "V":
                continue
            raise ValueError(
                "Weights must be real numbers. Received: "
                f"'{file.filename}', whose '{name}' has type {item.dtype}. "
                "Fetch or write the file again."
            )
        with np.errstate(over="ignore"):
            values = np.asarray(item[()], "float32")
        if not np.isfinite(values).all():
            raise ValueError(
                "Weights must be finite numbers of float32. Received: "
                f"'{file.filename}', whose '{name}' holds NaN, infinity or "
                "more than float32 can. The run that wrote it diverged, or "
                "the file is damaged: take an earlier one."
            )
    noted = file.attrs.get(ATTRIBUTE)
    if noted is None:
        logging.getLogger(__name__).info(
            "'%s' has no digest of its content, so damage would not be "
            "noticed; files that this library writes have one.",
            file.filename,
        )
    elif str(noted) != digest(file):
        raise ValueError(
            "A weight file must hold the numbers that were written to it. "
            f"Received: '{file.filename}', whose content does not have the "
            "digest that it notes: it was damaged or changed. Fetch or write "
            "it again with `keras_pnnh.save_weights`."
        )


def _variables(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    found = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found.append((name, item))

    file.visititems(visit)
    return iter(found)
