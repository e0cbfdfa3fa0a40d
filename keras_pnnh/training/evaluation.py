"""Accuracy of a classifier on labelled images."""

import os
from typing import Any

import keras
import numpy as np

from keras_pnnh.data import LabelledImages
from keras_pnnh.data.identity import fingerprints
from keras_pnnh.data.image_files import ImageFiles
from keras_pnnh.data_format import as_data_format, data_format_of
from keras_pnnh.training import devices, outputs, requirements
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.weights import digest

# Some data sets have the same image in both parts; more is no accident.
MOST_SEEN = 0.01


def evaluate(
    model: keras.Model,
    data: LabelledImages,
    batch_size: int = 250,
    run: str | os.PathLike[str] | None = None,
) -> dict[str, float]:
    """Loss and accuracy of a model, whether it returns logits or not.

    What the network computes decides about the loss: a final softmax, or
    none, also after `fold` and in models of other origin.

    Args:
        model: A classifier.
        data: `LabelledImages`, with the classes in the model's order.
        batch_size: Images per step.
        run: Folder of the run that trained the weights; its record then
            keeps the result under `"test"`.

    Returns:
        `{"images": ..., "loss": ..., "accuracy": ...}`.

    Raises:
        ValueError: If the data do not fit the model, it returns neither
            logits nor probabilities, or more than one in a hundred of the
            images belong to the training or validation images of `run`.
        FloatingPointError: If it returns values that are not finite.
        FileNotFoundError: If `run` is not the folder of a finished run.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.data import LabelledImages
    >>> from keras_pnnh.training import evaluate
    >>> images = np.zeros((3, 32, 32, 3), "uint8")
    >>> data = LabelledImages(images, np.array([0, 1, 1]), ("cat", "dog"))
    >>> evaluate(PlainResNet20(classes=2), data)["images"]
    3
    """
    devices.check_placement(model)
    requirements.check_data(model, data)
    folder = RunFolder(run) if run else None
    record = folder.read_record() if folder else {}
    if folder:
        _check_unseen(folder, data)
    scores = _predict(model, data.images, batch_size)
    if not np.isfinite(scores).all():
        raise FloatingPointError(
            "A classifier must return finite values. Received: a model that "
            "returns NaN or infinity for images of the data. Look at its "
            "weights."
        )
    if outputs.returns_logits(model, lambda: scores):
        shifted = scores - scores.max(axis=-1, keepdims=True)
        total = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        logs = shifted - total
    else:
        logs = np.log(np.maximum(scores, keras.config.epsilon()))
    rows = np.arange(len(data.labels))
    result = {
        "images": len(data.labels),
        "loss": round(float(-logs[rows, data.labels].mean()), 6),
        "accuracy": round(
            float((scores.argmax(axis=-1) == data.labels).mean()), 6
        ),
    }
    if folder:
        noted: dict[str, Any] = dict(result)
        if folder.weights_path.is_file():
            # What is published later must be these.
            noted["weights_sha256"] = digest.of_file(folder.weights_path)
        folder.write_record({**record, "test": noted})
    return result


def _predict(model, images, batch_size):
    """Scores of all images; streamed ones are held some batches at a time."""
    # Not `model.evaluate`, which needs the user's model compiled, and not a
    # new model on its layers, which a `call` of its own would not be part of.
    # Several devices take batches that they divide, filled up with black.
    replicas = devices.replicas()
    batch_size += -batch_size % replicas
    count = len(images)
    held = 4 * batch_size if isinstance(images, ImageFiles) else count
    parts = []
    for start in range(0, count, held):
        some = as_data_format(
            images[start : start + held], data_format_of(model)
        )
        missing = -len(some) % replicas
        if missing:
            black = np.zeros((missing, *some.shape[1:]), some.dtype)
            some = np.concatenate([some, black])
        parts.append(model.predict(some, batch_size=batch_size, verbose=0))
    return np.concatenate(parts).astype("float64")[:count]


def _check_unseen(folder, data):
    """Raise a ValueError if the run has seen these images."""
    known = folder.read_images()
    if known is None:
        return
    seen = int(np.isin(fingerprints(data.images), known).sum())
    if seen > MOST_SEEN * len(data.labels):
        raise ValueError(
            "A test accuracy is one on images that the run has not seen. "
            f"Received: {len(data.labels)} images, {seen} of which are "
            f"training or validation images of '{folder.path}'. Give the "
            "test images, or leave `run` out: then the result "
            "is only returned."
        )
