"""What tells one set of labelled images from another: digests."""

import hashlib
from typing import Any

import numpy as np

from keras_pnnh.data.image_files import ImageFiles
from keras_pnnh.data.labelled_images import LabelledImages


def fingerprints(images: np.ndarray | ImageFiles) -> np.ndarray:
    """A number for every image, equal for equal pixels.

    Of images that are streamed, it is equal for equal files, and says nothing
    about pixels.

    Args:
        images: `(n, height, width, channels)`, or `ImageFiles`.

    Returns:
        `(n,)` uint64 array.
    """
    if isinstance(images, ImageFiles):
        return images.fingerprints()
    size = repr(images.shape[1:]).encode()
    digests = (
        hashlib.blake2b(size + image.tobytes(), digest_size=8).digest()
        for image in images
    )
    return np.frombuffer(b"".join(digests), "<u8")


def identify(data: LabelledImages) -> dict[str, str]:
    """Digests that together decide whether two data sets are the same one.

    Returns:
        `"images"`: which images there are, in any order; `"labels"`: and of
        which class each is; `"order"`: and one after the other.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.data import LabelledImages
    >>> from keras_pnnh.data.identity import difference, identify
    >>> images = np.arange(12, dtype="uint8").reshape(4, 1, 1, 3)
    >>> data = LabelledImages(images, np.array([0, 1, 0, 1]), ("a", "b"))
    >>> other = data._replace(labels=np.array([1, 0, 0, 1]))
    >>> difference(identify(data), identify(other))
    'other labels'
    """
    numbers = fingerprints(data.images)
    names = [data.class_names[label] for label in data.labels]
    pairs = [
        f"{number:016x} {name!r}"
        for number, name in zip(numbers.tolist(), names, strict=True)
    ]
    return {
        "images": _digest(f"{number:016x}" for number in np.sort(numbers)),
        "labels": _digest(sorted(pairs)),
        "order": _digest(pairs),
    }


def difference(was: Any, now: dict[str, str]) -> str | None:
    """The first thing that differs between two identities, in words."""
    was = was if isinstance(was, dict) else {}
    for key, words in (
        ("images", "other images, or otherwise preprocessed"),
        ("labels", "other labels"),
        ("order", "another order of the images"),
    ):
        if was.get(key) != now[key]:
            return words
    return None


def _digest(lines) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
