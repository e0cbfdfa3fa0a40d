"""The likeliest classes of a prediction, by name."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras

from keras_pnnh.weights.labels import CIFAR10_LABELS, imagenet_classes


class Prediction(NamedTuple):
    """One class and its score.

    Attributes:
        id: WordNet id of a class of ImageNet, otherwise the class's number.
        label: Name of the class.
        score: What the model returned for it.
    """

    id: str | int
    label: str
    score: float


def decode_predictions(
    preds: Any, top: int = 5, labels: str | Sequence[str] = "imagenet"
) -> list[list[Prediction]]:
    """The likeliest classes of each image, as `keras.applications` gives them.

    Args:
        preds: What a classifier returned, `(images, classes)`.
        top: How many classes to name; all of them if there are fewer.
        labels: `"imagenet"`, `"cifar10"`, or the names of your classes in the
            order of the outputs, such as
            `keras_pnnh.weights.find_classifier(variant, weights).labels`.

    Returns:
        For each image a list of `Prediction`, tuples `(id, label, score)`,
        the highest score first.

    Raises:
        ValueError: If shape, `top` or `labels` do not fit.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.applications import decode_predictions
    >>> scores = np.array([[0.1, 0.7, 0.2]])
    >>> ((best,),) = decode_predictions(scores, 1, ["cat", "dog", "fox"])
    >>> best.label, best.score
    ('dog', 0.7)
    """
    classes = _classes(labels)
    scores = keras.ops.convert_to_numpy(preds)
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise ValueError(
            "`preds` must have the shape (images, classes) with as many "
            f"classes as `labels`. Received: preds of shape {scores.shape} for "
            f"{len(classes)} labels. For other classes than ImageNet's pass "
            "`labels='cifar10'` or a list of names."
        )
    if not isinstance(top, int) or top < 1:
        raise ValueError(
            f"`top` must be a positive integer. Received: top={top!r}."
        )
    # Stable: of equal scores the first class comes first, on every machine.
    order = (-scores).argsort(axis=1, kind="stable")[:, :top]
    return [
        [_prediction(classes[index], row[index]) for index in best]
        for row, best in zip(scores, order, strict=True)
    ]


def _prediction(pair, score):
    identity, label = pair
    return Prediction(identity, label, float(score))


def _classes(labels):
    """List of pairs of an id and a name."""
    if isinstance(labels, str):
        if labels == "imagenet":
            return imagenet_classes()
        if labels == "cifar10":
            return list(enumerate(CIFAR10_LABELS))
        raise ValueError(
            "`labels` must be 'imagenet', 'cifar10' or a list of names. "
            f"Received: labels={labels!r}."
        )
    return list(enumerate(labels))
