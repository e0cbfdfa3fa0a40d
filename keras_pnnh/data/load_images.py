"""Find labelled images by a folder or by a TensorFlow Datasets name."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_pnnh.addresses import refuse_url
from keras_pnnh.data import named
from keras_pnnh.data.archive import unpack
from keras_pnnh.data.image_folder import is_class, read_folder
from keras_pnnh.data.labelled_images import LabelledImages

SPLITS = ("train", "test")
HELD_OUT = ("val", "valid", "validation")


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
    named.check_name(source)
    return named.load(str(source), split, size, data_dir)


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
