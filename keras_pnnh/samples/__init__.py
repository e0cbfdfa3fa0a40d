"""Thirty real photographs that come with the package."""

from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One image file and its class."""

    path: Path
    label: str


def sample_images() -> list[Sample]:
    """The bundled test images of CIFAR-10 (JPEG copy), three a class.

    Returns:
        A list of `Sample`, sorted by class.
    """
    paths = sorted(Path(__file__).parent.glob("*/*.jpg"))
    return [Sample(path, path.parent.name) for path in paths]
