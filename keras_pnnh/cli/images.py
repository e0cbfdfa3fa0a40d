"""The images that `--data` names."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from keras_pnnh.data import LabelledImages


def load(
    options: argparse.Namespace,
    split: str,
    size: tuple[int, int] | None = None,
) -> "LabelledImages":
    """The images of a split, with a bar where there is a terminal.

    Args:
        options: Those of `options.add_data`.
        split: `"train"` or `"test"`.
        size: `(height, width)` to resize to where `--image-size` says
            nothing; None leaves them as they are.
    """
    from rich.console import Console
    from rich.progress import track

    from keras_pnnh.data import load_images, stream_images
    from keras_pnnh.presentation.plain_text import as_plain_text

    # Standard output is for results, also when it is a pipe.
    console = Console(stderr=True)
    title = as_plain_text(f"reading {options.data} ({split})")

    def with_bar(items):
        return track(
            items,
            title.replace("[", r"\["),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    size = chosen_size(options) or size
    if getattr(options, "stream", False):
        if size is None:
            raise ValueError(
                "Images that are streamed get one size. Received: `--stream` "
                "without `--image-size`. Add it, such as `--image-size 224`."
            )
        return stream_images(
            options.data, split, size, options.skip_bad, with_bar
        )
    if getattr(options, "skip_bad", False):
        raise ValueError(
            "`--skip-bad` belongs to images that are streamed. Received: "
            "`--skip-bad` without `--stream`. Add that, or remove the bad "
            "files."
        )
    return load_images(
        options.data,
        split,
        size,
        with_bar,
        options.data_dir,
    )


def chosen_size(options: argparse.Namespace) -> tuple[int, int] | None:
    """`--image-size` as height and width, None where it was left out."""
    size = options.image_size
    return None if size is None else (size, size)


def as_model_takes(images: np.ndarray) -> np.ndarray:
    """Images in Keras's data format."""
    import keras

    from keras_pnnh.data_format import as_data_format

    return as_data_format(images, keras.config.image_data_format())


def read_some(
    folder: str, size: tuple[int, int], count: int, option: str
) -> np.ndarray:
    """Some images of a folder and of those in it, in the order of a fixed seed.

    Args:
        folder: Where the files are.
        size: `(height, width)` to resize to.
        count: How many at most.
        option: The option that names the folder.

    Returns:
        Array of RGB images.

    Raises:
        ValueError: If there are none, or one cannot be read.
    """
    from keras_pnnh.data.image_folder import SUFFIXES
    from keras_pnnh.data.picture import read_image

    paths = sorted(
        path
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not paths:
        raise ValueError(
            f"`{option}` is a folder of images, which may have sub-folders. "
            f"Received: '{folder}' with no file named "
            f"{', '.join(sorted(SUFFIXES))}. "
            "Pass some dozens of the kind that the network will meet."
        )
    order = np.random.default_rng(0).permutation(len(paths))[:count]
    return np.stack([read_image(paths[index], size) for index in order])
