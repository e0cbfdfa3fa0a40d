"""Free photographs, as networks that were trained on ImageNet take them.

They come with the package scikit-image, whose documentation states their
licences; its `data` folder is read, the package is not imported.
"""

import hashlib
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_pnnh.data import read_image


class Photograph(NamedTuple):
    """A file, and names of ImageNet's classes that are right for it."""

    file: str
    sha256: str
    license: str
    labels: frozenset[str]


PHOTOGRAPHS = (
    Photograph(
        "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0, Stefan van der Walt",
        frozenset({"tabby", "tiger_cat", "Egyptian_cat"}),
    ),
    Photograph(
        "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0, Rachel Michetti",
        frozenset({"espresso", "cup", "coffee_mug"}),
    ),
    Photograph(
        "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain, SpaceX",
        frozenset({"missile", "projectile", "space_shuttle"}),
    ),
)


def find(photograph):
    """The path of a photograph, whose content is checked."""
    package = importlib.util.find_spec("skimage")
    if package is None:
        raise ModuleNotFoundError(
            "The photographs come with scikit-image, which is not installed. "
            "Run `make online`, or `pip install scikit-image`."
        )
    path = Path(package.submodule_search_locations[0], "data", photograph.file)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != photograph.sha256:
        raise ValueError(
            f"A photograph must be the one whose licence was read. Received: "
            f"'{path}' with SHA-256 {found}, expected {photograph.sha256}."
        )
    return path


def crop_of(entry):
    """The share of the shorter edge at which a network was measured."""
    match = re.search(r"(\d+) pixels, crop ([\d.]+)", entry.metrics[0].data)
    return int(match[1]), float(match[2])


def read_all(size, crop):
    """All photographs: the shorter edge resized, the centre cut out.

    Returns:
        `(photographs, size, size, 3)` float32 array, 0 to 255.
    """
    images = []
    for photograph in PHOTOGRAPHS:
        path = find(photograph)
        height, width = read_image(path).shape[:2]
        scale = int(size / crop) / min(height, width)
        shape = round(height * scale), round(width * scale)
        image = read_image(path, shape)
        top, left = ((side - size) // 2 for side in shape)
        images.append(image[top : top + size, left : left + size])
    return np.stack(images).astype("float32")
