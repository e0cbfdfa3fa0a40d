"""Heaps of strings in an HDF5 file: damage that a reader never ends at.

The HDF5 library goes from object to object of a heap by the sizes that stand
there. A size of zero, or one that leads back, keeps it busy for ever, where
no program that called it can step in.
"""

import mmap
import struct
from pathlib import Path

# Signature and version; then three bytes without a meaning, and the size.
START = b"GCOL\x01"
HEADER, OBJECT = 16, 16  # bytes
LEAST = 4096  # bytes of any heap that the library makes


def check_heaps(path: Path) -> None:
    """Raise unless every heap of an HDF5 file leads to its end.

    Args:
        path: An existing file; one that is no HDF5 has no heaps.

    Raises:
        ValueError: If a heap is damaged.
    """
    if not path.stat().st_size:
        return
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        start = content.find(START)
        while start >= 0:
            if _is_heap(content, start) and not _has_an_end(content, start):
                raise ValueError(
                    "A weight file must be a complete HDF5 file. Received: "
                    f"'{path}', whose strings at byte {start} are damaged: "
                    "reading them would never end. Fetch or write it again."
                )
            start = content.find(START, start + 1)


def _is_heap(content, start):
    """Whether it is one, and not numbers that look like its signature."""
    if start + HEADER > len(content):
        return False
    (size,) = struct.unpack_from("<Q", content, start + 8)
    return LEAST <= size <= len(content) - start


def _has_an_end(content, start):
    (size,) = struct.unpack_from("<Q", content, start + 8)
    place, end = start + HEADER, start + size
    # What is left and shorter than an object is free.
    while place + OBJECT <= end:
        index, length = struct.unpack_from("<H6xQ", content, place)
        # Number 0 is the free space, which counts its own header.
        whole = OBJECT + -(-length // 8) * 8 if index else length
        if not OBJECT <= whole <= end - place:
            return False
        place += whole
    return True
