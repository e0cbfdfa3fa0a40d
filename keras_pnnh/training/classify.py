"""Classify image files with pretrained weights."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_pnnh.applications import create_model
from keras_pnnh.data.image_folder import read_image
from keras_pnnh.data_format import (
    as_data_format,
    input_shape,
)
from keras_pnnh.weights import find_classifier


class Prediction(NamedTuple):
    """The most probable classes of one image, best first."""

    path: Path
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


def read_images(paths, model):
    """Read image files as one batch, resized to the model's input size."""
    config = model.get_config()
    channels_first = config["data_format"] == "channels_first"
    shape = config["input_shape"]
    size = shape[1:] if channels_first else shape[:2]
    images = np.stack([read_image(path, tuple(size)) for path in paths])
    return as_data_format(images, config["data_format"])


def classify_files(model_name, weights, paths, top=3, **arguments):
    """Classify image files.

    Args:
        model_name: A name from `list_models()`.
        weights: Tag of its weights, such as `"cifar10"`, or the file that
            `train` wrote.
        paths: Image files; they are resized to the model's input.
        top: How many classes to return for each.
        **arguments: Further arguments of the model.

    Returns:
        A list of `Prediction`, one for each path.

    Raises:
        ValueError: For unknown weights, `top` out of range, or a file that is
            no image.
        FileNotFoundError: If a file does not exist.
    """
    classifier = find_classifier(model_name, weights)
    classes = len(classifier.labels)
    if not 1 <= top <= classes:
        raise ValueError(
            f"`top` must lie between 1 and the {classes} classes of these "
            f"weights. Received: top={top}."
        )
    model = create_model(
        model_name,
        weights=weights,
        classes=classes,
        input_shape=input_shape(*classifier.image_size),
        **arguments,
    )
    probabilities = model.predict(read_images(paths, model), verbose=0)
    return [
        top_classes(path, row, classifier.labels, top)
        for path, row in zip(paths, probabilities, strict=True)
    ]


def top_classes(path, probabilities, labels, top=3):
    """The `top` most probable classes of one image as a `Prediction`."""
    order = np.argsort(probabilities)[::-1][:top]
    return Prediction(
        Path(path),
        tuple(labels[index] for index in order),
        tuple(float(probabilities[index]) for index in order),
    )


def as_table(predictions, truth=None):
    """A rich table of predictions, with a column of true labels if given."""
    from rich.table import Table

    table = Table()
    table.add_column("image", overflow="fold")
    if truth is not None:
        table.add_column("label")
    for rank in range(1, len(predictions[0].labels) + 1):
        table.add_column(f"top {rank}")
    for index, prediction in enumerate(predictions):
        path = prediction.path
        cells = [str(Path(path.parent.name) / path.name)]
        if truth is not None:
            right = truth[index] == prediction.labels[0]
            cells.append(truth[index] if right else f"[red]{truth[index]}[/]")
        cells += [
            f"{label} {100 * probability:.1f} %"
            for label, probability in zip(
                prediction.labels, prediction.probabilities, strict=True
            )
        ]
        table.add_row(*cells)
    return table
