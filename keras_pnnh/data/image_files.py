"""Images that stay in their files until they are asked for."""

import concurrent.futures
import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_pnnh.data.decoding import read_centre, read_crop

END = 4096


class ImageFiles:
    """What `LabelledImages.images` is where the images are streamed.

    An array of shape `(n, height, width, 3)` that is never there as a whole:
    `files[indices]` decodes these images, resized and cropped at the centre.

    Args:
        paths: The files.
        size: `(height, width)`.
        workers: Threads that decode; None takes one for each processor.
    """

    ndim = 4
    dtype: Any = np.dtype("uint8")

    def __init__(
        self,
        paths: Sequence[str | Path],
        size: tuple[int, int],
        workers: int | None = None,
    ) -> None:
        # Text is a fraction of a `Path`, and there may be millions.
        self.paths: list[str] = [os.fspath(path) for path in paths]
        self.size = size
        self.workers: int = workers or available_processors()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """`(n, height, width, 3)`."""
        return (len(self.paths), *self.size, 3)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        paths = [self.paths[i] for i in np.arange(len(self))[chosen]]
        images = np.empty((len(paths), *self.size, 3), np.uint8)

        def fill(place):
            images[place] = read_centre(Path(paths[place]), self.size)

        list(self.pool.map(fill, range(len(paths))))
        return images

    @functools.cached_property
    def pool(self) -> concurrent.futures.ThreadPoolExecutor:
        """The threads that decode."""
        return concurrent.futures.ThreadPoolExecutor(
            self.workers, "keras_pnnh_decoder"
        )

    def subset(self, chosen: np.ndarray) -> "ImageFiles":
        """Some of the files; nothing is read."""
        paths = [self.paths[i] for i in np.arange(len(self))[chosen]]
        return ImageFiles(paths, self.size, self.workers)

    def crop(
        self,
        index: int,
        least_area: float,
        flip: bool,
        generator: np.random.Generator,
    ) -> np.ndarray:
        """One image for training, see `decoding.read_crop`."""
        path = Path(self.paths[index])
        if least_area:
            return read_crop(path, self.size, least_area, flip, generator)
        pixels = read_centre(path, self.size)
        return pixels[:, ::-1] if flip and generator.random() < 0.5 else pixels

    def fingerprints(self) -> np.ndarray:
        """A number for every file, equal for equal files.

        It is made of the size of a file and its last bytes, so that a large
        data set need not be read for it.

        Returns:
            `(n,)` uint64 array.
        """
        return self._fingerprints

    @functools.cached_property
    def _fingerprints(self):
        return np.array(list(self.pool.map(_fingerprint, self.paths)), "<u8")

    def find_bad(self, track: Callable[..., Any] = iter) -> dict[int, str]:
        """What is wrong with the files that cannot be decoded, by number.

        Args:
            track: Wraps the list of files, for a progress bar.
        """
        found = self.pool.map(functools.partial(_fault, self.size), self.paths)
        return {
            index: fault
            for index, (_, fault) in enumerate(
                zip(track(self.paths), found, strict=True)
            )
            if fault
        }


def available_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fingerprint(path):
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - END, 0))
        digest = hashlib.blake2b(b"%d " % size + file.read(), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def _fault(size, path):
    try:
        read_centre(Path(path), size)
    except (OSError, ValueError) as error:
        return str(error)
    return ""
