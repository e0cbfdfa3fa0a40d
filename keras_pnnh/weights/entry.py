"""One published checkpoint."""

from typing import NamedTuple


class WeightsEntry(NamedTuple):
    """A row of the registry: which file, for what, under which licence.

    Attributes:
        filename: Name of the bundled file.
        sha256: Digest of the file, checked before it is loaded.
        classes: Number of classes of the classifier in the file.
        labels: Names of the classes in the order of the outputs.
        image_size: `(height, width)` that the network was trained on.
        data: Name of the data set, as every table gives it.
        limits: What a user must know about data and use, in sentences.
        license: SPDX identifier of the weights' licence.
        card: Path of the model card in the repository.
    """

    filename: str
    sha256: str
    classes: int
    labels: tuple[str, ...]
    image_size: tuple[int, int]
    data: str
    limits: str
    license: str
    card: str
