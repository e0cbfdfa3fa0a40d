"""The teacher that `--teacher` names."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_pnnh.data import LabelledImages
    from keras_pnnh.training import Teacher


def find_teacher(
    options: argparse.Namespace, data: "LabelledImages"
) -> "Teacher | None":
    """The teacher, loaded; None without `--teacher`.

    Args:
        options: Those of `options.add_teacher`.
        data: The images that the student learns.

    Raises:
        ValueError: If it has other classes, or its options do not fit.
    """
    if options.teacher is None:
        return None
    from keras_pnnh.training import Teacher

    return Teacher(
        _load(options.teacher, data),
        options.teacher_weight,
        options.teacher_temperature,
        _stages(options.teacher_stages),
    )


def _load(given, data):
    import keras

    from keras_pnnh.applications import from_weights
    from keras_pnnh.cli.networks import find_weights
    from keras_pnnh.weights import find_classifier

    if given.endswith(".keras"):
        return keras.saving.load_model(given, compile=False)
    weights = find_weights(argparse.Namespace(weights=given))
    names = find_classifier(None, weights).labels
    if tuple(names) != tuple(data.class_names):
        raise ValueError(
            "A teacher knows the classes of the images, in their order. "
            f"Received: '{given}' of {', '.join(names[:5])}, ..., for images "
            f"of {', '.join(data.class_names[:5])}, ... Train it on these "
            "first."
        )
    return from_weights(weights)


def _stages(text):
    """`"stage2,stage3=conv4"` as a dictionary."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return {ours.strip(): (its or ours).strip() for ours, _, its in pairs}
