"""Images from files: one image, or a folder with one sub-folder per class."""

from pathlib import Path

import numpy as np

from keras_pnnh.data.labelled_images import LabelledImages

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".webp"}


def read_image(path, size=None):
    """Decode one image file.

    Args:
        path: A file in any format that Pillow reads.
        size: `(height, width)` to resize to (bicubic), or None.

    Returns:
        `(height, width, 3)` uint8 array, RGB.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, or truncated.
        ModuleNotFoundError: If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Reading image files needs Pillow, which is not installed. Run "
            "`pip install pillow`."
        ) from error
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"An image must be an existing file. Received: '{path}'."
        )
    try:
        with Image.open(path) as image:
            image = image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            "An image file must be complete and in a format that Pillow reads. "
            f"Received: '{path}' ({path.stat().st_size} bytes): {error}. "
            "Replace or remove the file."
        ) from error
    if size is not None and image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(image)


def read_folder(folder, size=None, track=iter):
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
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Image data must be an existing folder. Received: '{folder}'."
        )
    classes = sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            "A data folder needs one sub-folder of images for each of at least "
            f"two classes. Received: '{folder}' with {len(classes)} "
            f"sub-folder(s): {[entry.name for entry in classes]}."
        )
    files = [_image_files(entry) for entry in classes]
    labels = np.repeat(np.arange(len(classes)), [len(some) for some in files])
    paths = [path for some in files for path in some]
    shape = read_image(paths[0], size).shape
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
    return LabelledImages(
        images, labels, tuple(entry.name for entry in classes)
    )


def _image_files(folder):
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not files:
        raise ValueError(
            "Every class folder must hold at least one image "
            f"({', '.join(sorted(SUFFIXES))}). Received: '{folder}', which "
            "has none. Fill or remove it."
        )
    return files
