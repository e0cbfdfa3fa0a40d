"""What must hold before a run or an evaluation starts."""

import importlib.util
from collections.abc import Mapping

import keras
import numpy as np

from keras_pnnh.data import LabelledImages
from keras_pnnh.data_format import as_data_format, data_format_of
from keras_pnnh.training import outputs
from keras_pnnh.training.run_state import RunState


def check_data(model: keras.Model, data: LabelledImages) -> None:
    """Raise a ValueError unless the model takes these images and classes."""
    if not np.size(data.labels):
        raise ValueError(
            "Data must hold at least one image. Received: none. Give other "
            "data."
        )
    classes = model.output_shape[-1]
    if classes != len(data.class_names):
        raise ValueError(
            "The classifier needs one output for each class of the data. "
            f"Received: a model with {classes} outputs and data with "
            f"{len(data.class_names)} classes: "
            f"{', '.join(data.class_names[:12])}. Construct the model with "
            f"`classes={len(data.class_names)}`."
        )
    _check_arrays(data)
    shape = data.images.shape[1:]
    if data_format_of(model) == "channels_first":
        shape = (shape[-1], *shape[:-1])
    wanted = model.input_shape[1:]
    if len(wanted) != len(shape) or any(
        want not in (None, got) for want, got in zip(wanted, shape, strict=True)
    ):
        raise ValueError(
            "The images must have the size that the model takes. Received: "
            f"images of {shape} for a model of {wanted}. Resize the images "
            "(`size` of `load_images`) or construct the model with "
            f"`input_shape={shape}`."
        )


def _check_arrays(data):
    images, labels = data.images, np.asarray(data.labels)
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(
            "Images must be a uint8 array of shape (n, height, width, "
            f"channels), with values from 0 to 255. Received: {images.dtype} "
            f"of shape {images.shape}. Convert them."
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            "Labels must be whole numbers, one for each of the "
            f"{len(images)} images. Received: {labels.dtype} of shape "
            f"{labels.shape}. Give the number of each image's class."
        )
    if not (0 <= labels.min() and labels.max() < len(data.class_names)):
        raise ValueError(
            "Labels must be numbers of classes, from 0 to "
            f"{len(data.class_names) - 1}. Received: labels from "
            f"{labels.min()} to {labels.max()}. Name all classes, or correct "
            "the labels."
        )


def returns_logits(model: keras.Model, data: LabelledImages) -> bool:
    """Whether a model returns logits, see `outputs.returns_logits`.

    Args:
        model: A classifier.
        data: Images that it computes where its graph does not tell.
    """

    def some_scores():
        images = as_data_format(data.images[:8], data_format_of(model))
        return model.predict(images, verbose=0)

    return outputs.returns_logits(model, some_scores)


def check_logits(model: keras.Model, data: LabelledImages) -> None:
    """Raise a ValueError unless the model returns logits."""

    if not returns_logits(model, data):
        raise ValueError(
            "Training computes its loss from logits. Received: a model that "
            "ends in a softmax. Construct it with "
            "`classifier_activation=None`."
        )


def check_class_weight(
    class_weight: Mapping[str | int, float] | None, names: tuple[str, ...]
) -> dict[int, float] | None:
    """Weights by the number of the class.

    Args:
        class_weight: By name or number; a class that is left out weighs 1.
        names: The classes.

    Raises:
        ValueError: For an unknown class, or one that is given twice, or a
            weight that is negative or not finite.
    """
    if class_weight is None:
        return None
    weights = {}
    for key, weight in class_weight.items():
        number = names.index(key) if key in names else key
        good = (
            isinstance(number, (int, np.integer))
            and not isinstance(number, bool)
            and 0 <= number < len(names)
            and number not in weights
            and isinstance(weight, (int, float, np.number))
            and not isinstance(weight, bool)
            and 0 <= weight < float("inf")
        )
        if not good:
            raise ValueError(
                "`class_weight` must give each class, by name or number, one "
                "weight of at least 0. Received: class_weight with "
                f"{key!r}: {weight!r}. The classes are "
                f"{', '.join(names[:12])}."
            )
        weights[int(number)] = float(weight)
    return weights


def check_count(name: str, count: int) -> None:
    """Raise a ValueError unless an argument is a whole number from 0."""
    if not isinstance(count, int) or count < 0:
        raise ValueError(
            f"`{name}` must be a whole number of at least 0. Received: "
            f"{name}={count!r}."
        )


def check_steps(state: RunState, steps: int) -> None:
    """Raise a ValueError unless a run goes on with as many steps an epoch."""
    if state.step and state.steps != steps:
        raise ValueError(
            "A run that was stopped amid an epoch goes on with the same "
            f"batches. Received: {steps} steps an epoch, and {state.steps} "
            "before. Take as many devices as before."
        )


def check_installed(tensorboard: bool) -> None:
    """Raise before a long run, not after it, if a package is missing."""
    needs = [("matplotlib", "The plot of the curves", "images")]
    if tensorboard:
        needs += [
            ("tensorflow", "The logs for TensorBoard", "tensorflow"),
            ("tensorboard", "The logs for TensorBoard", "train"),
        ]
    for package, purpose, extra in needs:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(
                f"{purpose} needs {package}, which is not installed. Run "
                f"`pip install 'keras-pnnh[{extra}]'`."
            )
