"""Other kinds of data sets, written once as a folder of image files."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_pnnh.addresses import refuse_url
from keras_pnnh.data import named
from keras_pnnh.data.archive import unpack

# First bytes of the formats that data sets hold, and how their files end.
FORMATS = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"))


def write_folder(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    data_dir: str | None = None,
    track: Callable[..., Any] = iter,
) -> Path:
    """Unpack an archive, or a data set that is known by name, for streaming.

    `stream_images` reads image files in folders by class. An archive (tar or
    zip) is unpacked as it is. Of a data set of TensorFlow Datasets each image
    is copied as its file holds it, decoded by nobody, into `train/CLASS/` or
    `test/CLASS/`. The size is told first. The folder gets its name when it is
    complete.

    Args:
        source: An archive, or a name such as `"imagenet2012"`.
        folder: Where to; absent or empty.
        data_dir: Where TensorFlow Datasets keeps its files.
        track: Wraps the images, for a progress bar.

    Returns:
        The folder.

    Raises:
        FileExistsError: If the folder holds anything.
        FileNotFoundError: If there is no such archive or data set.
        ValueError: For a URL, a damaged archive, or a data set whose images
            are no JPEG or PNG files.
        OSError: If something cannot be fetched or written.
        ModuleNotFoundError: If TensorFlow Datasets is not installed.

    Example:

    >>> import pathlib, tarfile, tempfile
    >>> from PIL import Image
    >>> from keras_pnnh.data import stream_images, write_folder
    >>> with tempfile.TemporaryDirectory() as place:
    ...     for name in ("cat", "dog"):
    ...         pathlib.Path(place, "all", name).mkdir(parents=True)
    ...         Image.new("RGB", (8, 8)).save(f"{place}/all/{name}/1.jpg")
    ...     with tarfile.open(f"{place}/all.tar.gz", "w:gz") as archive:
    ...         archive.add(f"{place}/all", "all")
    ...     folder = write_folder(f"{place}/all.tar.gz", f"{place}/unpacked")
    ...     len(stream_images(folder, "train", size=(8, 8)).labels)
    2
    """
    refuse_url(source, "data")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            "A data set is written into a new or an empty folder. Received: "
            f"'{folder}', which holds something. Choose another name."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".unfinished-{os.getpid()}-{folder.name}")
    try:
        unfinished.mkdir()
        if Path(source).is_file():
            size = Path(source).stat().st_size
            _tell(f"unpacking '{source}', {size / 1e6:,.1f} MB packed")
            unpack(Path(source), unfinished)
        else:
            named.check_name(source)
            _write_named(str(source), unfinished, data_dir, track)
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _write_named(name, folder, data_dir, track):
    builder = named.prepare(name, data_dir)
    import tensorflow_datasets as tfds

    size = int(builder.info.dataset_size)
    _tell(f"writing '{name}', about {size / 1e6:,.1f} MB of image files")
    classes = folder_names(builder.info.features["label"].names)
    for split in named.parts(builder):
        decoders = {"image": tfds.decode.SkipDecoding()}
        examples = named.examples(builder, split, decoders=decoders)
        for number, each in enumerate(track(examples)):
            content = bytes(each["image"])
            title = classes[int(each["label"])]
            path = folder / split / title / f"{number:08d}{_ending(content)}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def folder_names(classes: Sequence[str]) -> list[str]:
    """Classes as names of folders that are no hidden ones and no paths.

    Raises:
        ValueError: If two of them would have one folder, or one has no name.
    """
    names = []
    for title in classes:
        name = "".join("_" if c in '/\\:*?"<>|' else c for c in title).strip()
        names.append(f"_{name[1:]}" if name.startswith(".") else name)
    twice = [name for name in names if names.count(name) > 1 or not name]
    if twice:
        raise ValueError(
            "Every class has a folder of its own. Received: classes whose "
            f"folders would be called {twice[:4]}. Load the data set into "
            "memory instead."
        )
    return names


def _ending(content):
    for start, ending in FORMATS:
        if content.startswith(start):
            return ending
    raise ValueError(
        "Images of a data set are copied as JPEG or PNG files. Received: one "
        f"that begins with {content[:8]!r}. Load it into memory instead."
    )


def _tell(text):
    print(text, file=sys.stderr)
