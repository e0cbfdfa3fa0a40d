"""A folder of images with one sub-folder per class."""

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_pnnh.data.labelled_images import LabelledImages
from keras_pnnh.data.picture import read_image
from keras_pnnh.presentation.plain_text import as_plain_text

SUFFIXES = {
    ".bmp",
    ".gif",
    ".jfif",
    ".jpe",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".pnm",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
}
# Usual names of the parts of a data set.
SPLIT_NAMES = {"train", "test", "val", "valid", "validation"}
# What operating systems leave in every folder.
BYSTANDERS = {"desktop.ini", "thumbs.db"}


def is_class(entry: Path) -> bool:
    """Whether an entry of a data folder is a class: no hidden folder is."""
    return entry.is_dir() and not entry.name.startswith((".", "__"))


def read_folder(
    folder: str | os.PathLike[str],
    size: tuple[int, int] | None = None,
    track: Callable[..., Any] = iter,
) -> LabelledImages:
    """Read all images of a folder that has one sub-folder per class.

    Args:
        folder: The folder; the sorted names of its sub-folders are the
            classes.
        size: `(height, width)` to resize to, or None if all have one size.
        track: Wraps the list of files while they are read, for a progress
            bar such as `rich.progress.track`.

    Returns:
        `LabelledImages`.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: For fewer than two classes, an empty class, an unreadable
            image, or images of several sizes while `size` is None.
    """
    paths, labels, names = list_folder(folder)
    shape = read_image(paths[0], size).shape
    _check_memory(folder, (len(paths), *shape))
    images = np.empty((len(paths), *shape), np.uint8)
    for index, path in enumerate(track(paths)):
        image = read_image(path, size)
        if image.shape != shape:
            raise ValueError(
                "All images must have one size, or be resized to one. "
                f"Received: '{path}' with {image.shape[0]}x{image.shape[1]}, "
                f"others with {shape[0]}x{shape[1]}. Give "
                "one as `size`."
            )
        images[index] = image
    return LabelledImages(images, labels, names)


def list_folder(
    folder: str | os.PathLike[str],
) -> tuple[list[Path], np.ndarray, tuple[str, ...]]:
    """Files, labels and names of the classes of a folder, see `read_folder`.

    Nothing is decoded.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Image data must be an existing folder. Received: '{folder}'."
        )
    classes = sorted(filter(is_class, folder.iterdir()))
    if len(classes) < 2:
        raise ValueError(
            "A data folder needs one sub-folder of images for each of at least "
            f"two classes. Received: '{folder}' with {len(classes)} "
            f"sub-folder(s): {[entry.name for entry in classes]}."
        )
    names = [entry.name for entry in classes]
    if set(names) <= SPLIT_NAMES:
        warnings.warn(
            "All classes are called like parts of a data set: "
            f"{as_plain_text(', '.join(names))}. They are read as the classes "
            "they are; parts hold one sub-folder for each class, such as "
            "train/cat.",
            stacklevel=4,
        )
    files = [_image_files(entry) for entry in classes]
    _tell_what_is_left_out(folder, classes, files)
    labels = np.repeat(np.arange(len(classes)), [len(some) for some in files])
    paths = [path for some in files for path in some]
    return paths, labels, tuple(names)


def _check_memory(folder, shape):
    """A ValueError before an allocation that only fails when it is used."""
    needed = math.prod(shape)
    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory:
        raise ValueError(
            "Images that are loaded must fit in memory. Received: "
            f"'{folder}' with {shape[0]:,} images, {needed / 1e9:,.0f} GB at "
            f"{shape[1]}x{shape[2]} pixels, for {memory / 1e9:,.0f} GB of "
            "memory. Leave them in their files: `stream_images`."
        )


def _tell_what_is_left_out(folder, classes, files):
    left_out = [
        str(path.relative_to(folder))
        for entry, taken in zip(classes, files, strict=True)
        for path in sorted(set(entry.iterdir()) - set(taken))
        if not path.name.startswith((".", "__"))
        and path.name.lower() not in BYSTANDERS
    ]
    left_out += [
        path.name
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not path.is_dir()
    ]
    if left_out:
        more = len(left_out) - 3
        warnings.warn(
            f"Only images that lie directly in a class folder of '{folder}' "
            f"are read ({', '.join(sorted(SUFFIXES))}). Left out: "
            f"{as_plain_text(', '.join(left_out[:3]))}"
            + (f" and {more} more." if more > 0 else "."),
            stacklevel=5,
        )


def _image_files(folder):
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    )
    if not files:
        raise ValueError(
            "Every class folder must hold at least one image "
            f"({', '.join(sorted(SUFFIXES))}). Received: '{folder}', which "
            "has none. Fill or remove it."
        )
    return files
