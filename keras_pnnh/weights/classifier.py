"""What the outputs of a trained classifier mean, kept in its weight file."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from keras_pnnh.weights import hub_repository, loader, notes, references
from keras_pnnh.weights.labels import imagenet_classes

ATTRIBUTE = "keras_pnnh_classifier"


class Classifier(NamedTuple):
    """Names of the classes in the order of the outputs, and the image size.

    Attributes:
        labels: Names of the classes.
        image_size: `(height, width)` that the network was trained on.

    Example:

    >>> from keras_pnnh.weights import Classifier
    >>> Classifier(("cat", "dog"), (32, 32)).labels[0]
    'cat'
    """

    labels: tuple[str, ...]
    image_size: tuple[int, int]


def find_classifier(variant: str | None, weights: Any) -> Classifier:
    """The classifier of published weights or of a weight file.

    Args:
        variant: Name of the model, such as `"plain_resnet20"`; None if the
            weights name it.
        weights: A tag of the registry, the path of a weight file, or
            `"hf://owner/name"`.

    Returns:
        A `Classifier`.

    Raises:
        ValueError: For an unknown tag, or a file that names no classes.
        FileNotFoundError: If there is no such file.

    Example:

    >>> from keras_pnnh.weights import find_classifier
    >>> find_classifier("plain_resnet20", "cifar10").labels[:2]
    ('airplane', 'automobile')
    """
    kind = references.kind_of(weights)
    if kind == "file":
        return read(weights)
    if kind == "repository":
        return read(hub_repository.fetch_weights(weights))
    _, entry = references.find_entry(variant, weights)
    labels = entry.labels or tuple(name for _, name in imagenet_classes())
    return Classifier(labels, entry.image_size)


def write(file: Any, classifier: Any) -> None:
    """Note a `Classifier` in an open HDF5 file."""
    file.attrs[ATTRIBUTE] = json.dumps(classifier._asdict())


def read(path: str | Path) -> Classifier:
    """The `Classifier` noted in a weight file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no weight file, or none that `keras-pnnh train`
            wrote.
    """
    path = Path(path)
    loader.check_path(path)
    found = _noted(path)
    if found is not None:
        return found
    raise ValueError(
        "To classify, a weight file must name its classes. Received: "
        f"'{path}', which does not. Files that `keras-pnnh train` writes "
        "do; `keras_pnnh.save_weights(model, path, classifier)` adds them."
    )


def read_labels(path: str | Path) -> Any:
    """Names of the classes noted in a weight file, or None."""
    found = _noted(path)
    return None if found is None else found.labels


def _noted(path):
    with loader.open_file(path) as file:
        noted = notes.read(file, ATTRIBUTE, Classifier._fields)
        return None if noted is None else _checked(file, noted)


def _checked(file, noted):
    labels, size = noted["labels"], noted["image_size"]
    if not isinstance(labels, list) or not all(
        isinstance(label, str) for label in labels
    ):
        raise notes.damaged(file, ATTRIBUTE, "its labels are no list of names")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(side) is int and side > 0 for side in size)
    ):
        raise notes.damaged(file, ATTRIBUTE, "its image size is no two sizes")
    return Classifier(tuple(labels), tuple(size))
