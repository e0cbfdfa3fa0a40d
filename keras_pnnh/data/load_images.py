"""Find labelled images by a folder or by a TensorFlow Datasets name."""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_pnnh.addresses import refuse_url
from keras_pnnh.data.archive import unpack
from keras_pnnh.data.image_folder import is_class, read_folder
from keras_pnnh.data.labelled_images import LabelledImages

SPLITS = ("train", "test")
HELD_OUT = ("val", "valid", "validation")
TFDS_NAME = re.compile(r"[a-z][a-z0-9_]*(/[\w.]+)?(:[\d.*]+)?")


def load_images(
    source: str | os.PathLike[str],
    split: str,
    size: tuple[int, int] | None = None,
    track: Callable[..., Any] = iter,
    data_dir: str | None = None,
) -> LabelledImages:
    """Load one split of a data set into memory.

    Args:
        source: A folder, an archive of one (tar or zip), or the name of a
            TensorFlow data set. A folder holds one sub-folder per class, or
            `train/` and `test/` that do.
        split: `"train"` or `"test"`. A folder of classes is all there is of
            it, whichever the split.
        size: `(height, width)` to resize to, or None.
        track: Progress bar, see `read_folder`.
        data_dir: Where TensorFlow Datasets keeps its files.

    Returns:
        `LabelledImages`.

    Raises:
        FileNotFoundError: If `source` is neither.
        OSError: If a TensorFlow data set cannot be fetched.
        ValueError: See `read_folder`.
        ModuleNotFoundError: If a TFDS name is given and TFDS is not installed.

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> from PIL import Image
    >>> from keras_pnnh.data import load_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         pathlib.Path(folder, name).mkdir()
    ...         Image.new("RGB", (8, 8)).save(f"{folder}/{name}/1.png")
    ...     load_images(folder, "train").class_names
    ('cat', 'dog')
    """
    refuse_url(source, "data")
    folder = Path(source)
    if folder.is_dir():
        return read_folder(part_of(folder, split), size, track)
    if folder.is_file():
        with tempfile.TemporaryDirectory() as unpacked:
            unpack(folder, unpacked)
            part = part_of(Path(unpacked), split)
            return read_folder(part, size, track)
    if not TFDS_NAME.fullmatch(str(source)):
        raise FileNotFoundError(
            "`data` must be an existing folder of images by class, or the name "
            f"of a TensorFlow data set. Received: data='{source}'."
        )
    return _load_tfds(str(source), split, size, data_dir)


def part_of(folder: Path, split: str) -> Path:
    """The folder of classes that is meant by a split of `folder`."""
    entries = [entry for entry in folder.iterdir() if is_class(entry)]
    if len(entries) == 1 and entries[0].name not in SPLITS:
        # What an archive unpacks to: one folder that holds everything.
        if any(map(is_class, entries[0].iterdir())):
            folder = entries[0]
            entries = [entry for entry in folder.iterdir() if is_class(entry)]
    # A split holds classes; a class of the name "train" holds images.
    splits = {
        entry.name
        for entry in entries
        if entry.name in (*SPLITS, *HELD_OUT)
        and any(map(is_class, entry.iterdir()))
    }
    if not splits:
        return folder
    others = sorted({entry.name for entry in entries} - splits)
    unused = sorted(splits & set(HELD_OUT))
    if others or unused:
        raise ValueError(
            "A data folder holds classes, or `train/` and `test/` that do, and "
            f"nothing beside these. Received: '{folder}' with "
            f"{', '.join([*sorted(splits - set(unused)), *unused, *others])}. "
            "For validation a share of the training images is held out: move "
            f"what is in {' and '.join([*unused, *others])} into `train/`, "
            "rename it to `test`, or name a folder of classes directly."
        )
    if split not in splits:
        raise FileNotFoundError(
            "A data folder with splits must hold the one that is needed. "
            f"Received: '{folder}' without '{split}'. Name a folder of classes "
            "directly if it is meant."
        )
    return folder / split


def _load_tfds(name, split, size, data_dir):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ModuleNotFoundError(
            f"data='{name}' is no folder, so it is taken for the name of a "
            "TensorFlow data set, which needs tensorflow-datasets and "
            f"TensorFlow ({error}). Run "
            "`pip install 'keras-pnnh[train,tensorflow]'`."
        ) from error
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        raise FileNotFoundError(
            "`data` must be an existing folder of images by class, or the name "
            f"of a TensorFlow data set. Received: data='{name}', which is "
            "neither."
        ) from error
    features = builder.info.features
    if not {"image", "label"} <= set(features):
        raise ValueError(
            "A TensorFlow data set must have the features 'image' and 'label'. "
            f"Received: data='{name}' with {sorted(features)}. Choose a data "
            "set for image classification."
        )
    try:
        builder.download_and_prepare()
    # Whatever stopped it (network, disk, files to be fetched by hand), the
    # user reads it in one sentence; the chain keeps the rest.
    except Exception as error:
        raise OSError(
            "A TensorFlow data set must be downloaded before its first use. "
            f"Received: data='{name}' in '{builder.data_dir}', where it is "
            f"not and could not be fetched: {_first_line(error)}. Connect, or "
            "name the folder that holds it as `data_dir`."
        ) from error
    if split not in builder.info.splits:
        split = "validation"  # what ImageNet calls it
    examples = tfds.as_numpy(
        builder.as_dataset(split=split, as_supervised=True)
    )
    images, labels = zip(
        *((_rgb(image, size), label) for image, label in examples),
        strict=True,
    )
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise ValueError(
            "All images must have one size, or be resized to one. Received: "
            f"data='{name}' with {len(shapes)} sizes. Give one as "
            "`size`."
        )
    return LabelledImages(
        np.stack(images), np.asarray(labels), tuple(features["label"].names)
    )


def _first_line(error):
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def _rgb(image, size):
    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    if size is None or image.shape[:2] == tuple(size):
        return image
    from PIL import Image

    resized = Image.fromarray(image).resize(
        (size[1], size[0]), Image.Resampling.BICUBIC
    )
    return np.asarray(resized)
