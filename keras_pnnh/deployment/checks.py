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
    if None in inputs[0].shape[1:]:
        raise ValueError(
            "Every size of an image must be known, since many runtimes plan "
            f"their memory by it. Received: '{name}' with inputs of shape "
            f"{inputs[0].shape}. Construct the model with `input_shape=`."
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


def _count_bad(values):
    return int((~np.isfinite(values.astype("float32"))).sum())


def check_images(
    images: np.ndarray, model: keras.Model, argument: str
) -> np.ndarray:
    """Images as float32, of the shape that the model takes."""
    images = np.asarray(images)
    shape = tuple(model.inputs[0].shape[1:])
    if images.shape[1:] != shape or not len(images):
        raise ValueError(
            f"`{argument}` must be a batch of images as the model takes them, "
            f"of shape (n, {', '.join(map(str, shape))}). Received: an array "
            f"of shape {images.shape}."
        )
    images = np.ascontiguousarray(images, dtype="float32")
    if not np.isfinite(images).all():
        raise ValueError(
            f"`{argument}` must be finite. Received: images with "
            f"{_count_bad(images)} values that are not."
        )
    return images


def check_packages(format: Format, backend: str | None = None) -> None:
    """Raise a ModuleNotFoundError unless what a format needs is installed.

    Args:
        format: A `Format`.
        backend: The one that shall write it; None to run it only.
    """
    needed = format.packages + format.converters.get(backend or "", ())
    missing = [name for name in needed if not _installed(name)]
    if missing:
        raise ModuleNotFoundError(
            f"Format '{format.name}' needs {' and '.join(missing)}, not "
            "installed here. Run `pip install 'keras-pnnh[export]'`."
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
