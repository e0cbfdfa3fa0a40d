"""Find a folder of labelled images and leave them in their files."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_pnnh.addresses import refuse_url
from keras_pnnh.data.decoding import check_decoder
from keras_pnnh.data.image_files import ImageFiles
from keras_pnnh.data.image_folder import list_folder
from keras_pnnh.data.labelled_images import LabelledImages
from keras_pnnh.data.load_images import part_of


def stream_images(
    source: str | os.PathLike[str],
    split: str,
    size: tuple[int, int],
    skip_bad: bool = False,
    track: Callable[..., Any] = iter,
    workers: int | None = None,
) -> LabelledImages:
    """One split of a folder of images that are decoded when they are needed.

    `train` and `evaluate` take the result as they take `load_images`'. In
    training, `crop_area` and `flip` of a recipe apply to the image as it is
    in its file; for validation and evaluation, and in training without
    `crop_area`, the centre is taken: see `decoding.read_centre`.

    Args:
        source: A folder with one sub-folder per class, or `train/` and
            `test/` that hold these.
        split: `"train"` or `"test"`.
        size: `(height, width)` of the images that the model gets.
        skip_bad: Whether to decode every file once now and leave out, named
            and counted, those that cannot be.
        track: Progress bar, see `read_folder`.
        workers: Threads that decode; None takes one for each processor.

    Returns:
        `LabelledImages` whose `images` are decoded when they are indexed.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is an archive, a name of TensorFlow Datasets, or a
            URL; see `read_folder` for the folder.
        ModuleNotFoundError: If the decoders are not installed.

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> from PIL import Image
    >>> from keras_pnnh.data import stream_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         pathlib.Path(folder, name).mkdir()
    ...         Image.new("RGB", (20, 16)).save(f"{folder}/{name}/1.jpg")
    ...     data = stream_images(folder, "train", size=(8, 8))
    ...     data.images[:2].shape
    (2, 8, 8, 3)
    """
    refuse_url(source, "data")
    folder = Path(source)
    if folder.is_file():
        raise ValueError(
            "Streaming reads files in folders, since an archive has no quick "
            f"way to the middle. Received: '{folder}' "
            f"({folder.stat().st_size:,} bytes). Unpack it once "
            "(`write_folder`) and name the folder."
        )
    if not folder.is_dir():
        raise FileNotFoundError(
            "Streaming needs an existing folder with one sub-folder of images "
            f"per class. Received: data='{source}'. Write what TensorFlow "
            "Datasets knows into such a folder once (`write_folder`), or load "
            "it into memory."
        )
    check_decoder()
    paths, labels, names = list_folder(part_of(folder, split))
    data = LabelledImages(ImageFiles(paths, size, workers), labels, names)
    if skip_bad:
        data = _without_bad(data, track)
    return data


def _without_bad(data, track):
    bad = data.images.find_bad(track)
    if not bad:
        return data
    for fault in list(bad.values())[:10]:
        print(f"left out: {fault}", file=sys.stderr)
    print(
        f"{len(bad)} of {len(data.labels)} files are left out, since they "
        "cannot be decoded.",
        file=sys.stderr,
    )
    good = np.ones(len(data.labels), bool)
    good[list(bad)] = False
    empty = set(range(len(data.class_names))) - set(data.labels[good].tolist())
    if empty:
        raise ValueError(
            "Every class needs at least one image that can be decoded. "
            f"Received: '{data.class_names[min(empty)]}', which has none. "
            "Replace its files or remove the folder."
        )
    return data.subset(good)
