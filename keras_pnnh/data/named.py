"""Data sets that TensorFlow Datasets knows by name."""

import importlib.util
import os
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_pnnh.data.labelled_images import LabelledImages

NAME = re.compile(r"[a-z][a-z0-9_]*(/[\w.]+)?(:[\d.*]+)?")


def check_name(source: str | os.PathLike[str]) -> None:
    """Raise a FileNotFoundError for what cannot be the name of a data set."""
    if not NAME.fullmatch(str(source)):
        raise FileNotFoundError(
            "`data` must be an existing folder of images by class, or the name "
            f"of a TensorFlow data set. Received: data='{source}'."
        )


def load(
    name: str, split: str, size: tuple[int, int] | None, data_dir: str | None
) -> LabelledImages:
    """One split in memory, see `load_images`."""
    builder = prepare(name, data_dir)
    images, labels = zip(
        *(
            (_rgb(each["image"], size), each["label"])
            for each in examples(builder, split)
        ),
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
        np.stack(images),
        np.asarray(labels),
        tuple(builder.info.features["label"].names),
    )


def prepare(name: str, data_dir: str | None) -> Any:
    """The builder of a data set whose files are there.

    Raises:
        ModuleNotFoundError: If TensorFlow Datasets is not installed.
        FileNotFoundError: If there is no data set of this name.
        ValueError: If it has no images with labels.
        OSError: If it cannot be fetched.
    """
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
    return builder


def name_of_split(builder: Any, split: str) -> str:
    """`"validation"` for `"test"` where it is called so, as in ImageNet.

    Raises:
        FileNotFoundError: If there is no such part.
    """
    found = splits(builder)
    names = (split, "validation") if split == "test" else (split,)
    for name in names:
        if name in found:
            return name
    raise FileNotFoundError(
        "A data set must have the part that is needed. Received: "
        f"'{builder.name}' with {', '.join(found)}, and no '{split}'. Unpack "
        "it (`write_folder`) and divide its folder, or take another one."
    )


def examples(builder: Any, split: str, **options: Any) -> Iterable[Any]:
    """Dictionaries of NumPy arrays, in the order of the files.

    Args:
        builder: Of a data set whose files are there.
        split: `"train"`, `"test"` or `"validation"`.
        **options: Of `as_dataset` and `as_data_source`, such as `decoders`.

    Raises:
        ModuleNotFoundError: If the files are array_records and the package
            that reads them is not installed.
        ValueError: If a record cannot be read; it is numbered.
    """
    import tensorflow_datasets as tfds

    split = name_of_split(builder, split)
    if builder.info.file_format.value != "array_record":
        return _read(
            builder,
            split,
            tfds.as_numpy(
                builder.as_dataset(split=split, shuffle_files=False, **options)
            ),
        )
    if importlib.util.find_spec("array_record") is None:
        raise ModuleNotFoundError(
            f"The files of '{builder.name}' in '{builder.data_dir}' are "
            "array_records, which need array-record. It is not installed. Run "
            "`pip install 'keras-pnnh[train]'`."
        )
    return _read(builder, split, builder.as_data_source(split=split, **options))


def _read(builder, split, records):
    number = 0
    try:
        for number, each in enumerate(records, 1):  # noqa: B007
            yield each
    # Every reader has errors of its own.
    except Exception as error:
        raise ValueError(
            "The records of a data set must be complete. Received: "
            f"'{builder.name}' in '{builder.data_dir}', whose record "
            f"{number + 1} of '{split}' cannot be read: {_first_line(error)}. "
            "Remove that folder, and prepare the data set again."
        ) from error


def parts(builder: Any) -> list[str]:
    """`"train"` and `"test"`, as far as a data set has them."""
    found = set(splits(builder))
    wanted = {"train": {"train"}, "test": {"test", "validation"}}
    return [split for split, names in wanted.items() if names & found]


def splits(builder: Any) -> list[str]:
    """The parts of a data set, by the names of its makers."""
    return list(builder.info.splits)


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
