"""What must hold before a model is exported."""

import importlib.util
from typing import Any

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import Format


def check_model(model: Any) -> None:
    """Raise a ValueError unless the model can be exported and compared."""
    name = getattr(model, "name", type(model).__name__)
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"`export` takes a `keras.Model`. Received: {type(model).__name__}."
        )
    inputs = getattr(model, "inputs", None)
    if not model.built or not inputs:
        raise ValueError(
            "A model must be built, functional or sequential, to be exported. "
            f"Received: '{name}' ({type(model).__name__}), whose inputs are "
            "not known. Give a `keras.Sequential` a `keras.Input` as its first "
            "layer, or write a subclass as `keras.Model(inputs, outputs)`."
        )
    if len(inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "An exported network has one input and one result. Received: "
            f"'{name}' with {len(inputs)} inputs and {len(model.outputs)} "
            "results. Export `keras.Model(model.inputs, one_of_the_outputs)`."
        )
    for variable in model.variables:
        if "float" not in str(variable.dtype):
            continue
        values = keras.ops.convert_to_numpy(variable)
        if not np.isfinite(values.astype("float32")).all():
            raise ValueError(
                "Weights must be finite. Received: model "
                f"'{name}' with {_count_bad(values)} of {values.size} values "
                f"not finite in '{variable.path}'. Load weights of a run that "
                "did not diverge."
            )


def check_sizes(model: keras.Model, format: Format) -> None:
    """Raise a ValueError if a size is open that the format plans by."""
    shape = model.inputs[0].shape
    if None in shape[1:] and not format.open_sizes:
        raise ValueError(
            "Every size of an image must be known to a runtime that plans its "
            f"memory by it. Received: '{model.name}' with inputs of shape "
            f"{shape}, for format '{format.name}'. Construct the model with "
            "`input_shape=`, or take 'onnx', 'torch' or 'saved_model'."
        )


def check_settings(
    batch_size: Any, cost_limit: Any, labels: Any, model: keras.Model
) -> None:
    """Raise a ValueError for a setting that makes no sense."""
    if batch_size is not None and (
        type(batch_size) is not int or batch_size < 1
    ):
        raise ValueError(
            "`batch_size` must be a positive integer, or None for batches of "
            f"any size. Received: batch_size={batch_size!r}."
        )
    number = isinstance(cost_limit, (int, float)) and cost_limit is not True
    if not number or not cost_limit >= 1:
        raise ValueError(
            "`cost_limit` is how many times the multiply-accumulates writing "
            f"out may cost, at least 1. Received: cost_limit={cost_limit!r}. "
            "Try 2."
        )
    if labels is None:
        return
    classes = model.outputs[0].shape[-1]
    listed = isinstance(labels, (list, tuple))
    if not listed or not all(isinstance(label, str) for label in labels):
        raise ValueError(
            "`labels` must be a list of names. Received: labels of type "
            f"{type(labels).__name__}. Give one name for each class."
        )
    if len(labels) != classes:
        raise ValueError(
            "There must be one label for each class. Received: "
            f"{len(labels)} labels, model '{model.name}' with {classes} "
            "results. Give one name for each, in their order."
        )


def _count_bad(values):
    return int((~np.isfinite(values.astype("float32"))).sum())


def check_images(
    images: np.ndarray, model: keras.Model, argument: str
) -> np.ndarray:
    """Images as the model takes them: of its shape, and its type."""
    images = np.asarray(images)
    shape = tuple(model.inputs[0].shape[1:])
    if not _fits(images.shape[1:], shape) or not len(images):
        raise ValueError(
            f"`{argument}` must be a batch of images as the model takes them, "
            f"of shape (n, {', '.join(map(str, shape))}). Received: an array "
            f"of shape {images.shape}."
        )
    dtype = model.inputs[0].dtype
    if "int" in dtype:
        return _as_integers(images, dtype, argument)
    images = np.ascontiguousarray(images, dtype="float32")
    if not np.isfinite(images).all():
        raise ValueError(
            f"`{argument}` must be finite. Received: images with "
            f"{_count_bad(images)} values that are not."
        )
    return images


def _fits(given, shape):
    return len(given) == len(shape) and all(
        size in (None, known) for size, known in zip(shape, given, strict=True)
    )


def _as_integers(images, dtype, argument):
    with np.errstate(invalid="ignore"):
        whole = images.astype(dtype)
    if not np.array_equal(whole, images):
        raise ValueError(
            f"`{argument}` must hold numbers of the model's type, {dtype}. "
            f"Received: an array of type {images.dtype} with numbers from "
            f"{images.min()} to {images.max()}. Round them and keep them in "
            f"its range, such as `images.round().clip(0, 255)`."
        )
    return np.ascontiguousarray(whole)


def check_packages(format: Format, backend: str | None = None) -> None:
    """Raise a ModuleNotFoundError unless what a format needs is installed.

    Args:
        format: A `Format`.
        backend: The one that shall write it; None to run it only.
    """
    needed = format.packages + format.converters.get(backend or "", ())
    missing = [name for name in needed if not _installed(name)]
    if missing:
        extra = "openvino" if "openvino" in missing else "export"
        raise ModuleNotFoundError(
            f"Format '{format.name}' needs {' and '.join(missing)}, not "
            f"installed here. Run `pip install 'keras-pnnh[{extra}]'`."
        )


def writer(format: Format) -> str:
    """The Keras backend that writes a format: the present one if it can.

    Raises:
        ModuleNotFoundError: If none that can is installed.
    """
    present = keras.backend.backend()
    if present in format.backends:
        return present
    for backend in format.backends:
        if _installed(backend):
            return backend
    raise ModuleNotFoundError(
        f"Format '{format.name}' is written by Keras on "
        f"{' or '.join(format.backends)}, in a process of its own where the "
        f"backend is another ({present} here). It is not installed. Run `pip "
        f"install 'keras-pnnh[export,{format.backends[0]}]'`."
    )


def _installed(package):
    return importlib.util.find_spec(package) is not None
