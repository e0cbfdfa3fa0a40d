"""The state of model and optimizer in one file, for going on exactly."""

from pathlib import Path

import keras
import numpy as np

from keras_pnnh.files import replace_when_complete

# Metrics amid an epoch, beside the variables that are named by numbers.
METRIC = "metric-"


def save_checkpoint(
    model: keras.Model, path: Path, with_metrics: bool = False
) -> None:
    """Write all variables of a compiled model and its optimizer.

    Not with `model.save_weights`: Keras leaves the states of random
    generators out (a dropout's, for one; on torch, which draws from a
    generator of its own, they are out of reach), and HDF5 takes the process
    down when the disk is full.

    Args:
        model: A compiled model whose optimizer is built.
        path: Where to write, a name that ends in `.npz`.
        with_metrics: Whether to add what the metrics have seen so far, for
            going on amid an epoch.

    Raises:
        OSError: If the file cannot be written; `path` is then unchanged.
    """
    arrays = {
        f"{index:05d}": _as_numpy(variable)
        for index, variable in enumerate(_variables(model))
    }
    if with_metrics:
        arrays |= {
            f"{METRIC}{index:05d}": _as_numpy(variable)
            for index, variable in enumerate(model.metrics_variables)
        }
    with replace_when_complete(path) as unfinished:
        with open(unfinished, "wb") as file:
            np.savez(file, **arrays)


def load_checkpoint(model: keras.Model, path: Path) -> list[np.ndarray]:
    """Restore what `save_checkpoint` wrote, completely or not at all.

    Returns:
        What the metrics have seen, for `set_metrics`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or of another model.
    """
    if not path.is_file():
        raise FileNotFoundError(
            "Resuming a run needs its last checkpoint. Received: "
            f"'{path.parent}' without '{path.name}'. Start again in another "
            "folder."
        )
    variables = _variables(model)
    try:
        with open(path, "rb") as file, np.load(file) as archive:
            # The archive compares each array with its checksum.
            names = sorted(archive.files)
            metrics = [archive[name] for name in names if METRIC in name]
            arrays = [archive[name] for name in names if METRIC not in name]
    # Damaged archives raise errors of every kind.
    except Exception as error:
        raise ValueError(
            "A checkpoint must be complete. Received: "
            f"'{path}' ({path.stat().st_size} bytes), which cannot be read: "
            f"{error}. Start again in another folder."
        ) from error
    found = [array.shape for array in arrays]
    expected = [tuple(variable.shape) for variable in variables]
    if found != expected:
        raise ValueError(
            "A checkpoint must hold the variables of the model and its "
            f"optimizer. Received: '{path}' with {len(found)} variables, "
            f"expected {len(expected)}, or of other shapes. Resume with the "
            "model that the run was started with."
        )
    for variable, array in zip(variables, arrays, strict=True):
        if array.dtype.kind != _kind(variable) or not np.isfinite(array).all():
            raise ValueError(
                "A checkpoint must hold finite numbers of the model's types. "
                f"Received: '{path}' with {array.dtype} for {variable.path}, "
                "or values that are not finite. Start again in another folder."
            )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return metrics


def set_metrics(model: keras.Model, metrics: list[np.ndarray]) -> None:
    """Let the metrics of a compiled model go on from what they have seen."""
    if len(model.metrics_variables) < len(metrics):
        # On TensorFlow, those of `compile` are built in the first step.
        nothing = keras.ops.zeros((1, model.output_shape[-1]))
        model.compute_metrics(None, nothing, nothing)
    variables = model.metrics_variables
    if [tuple(v.shape) for v in variables] != [a.shape for a in metrics]:
        raise ValueError(
            "A checkpoint amid an epoch must hold the metrics of the model. "
            f"Received: {len(metrics)} arrays, expected {len(variables)}, or "
            "of other shapes. Start again in another folder."
        )
    for variable, array in zip(variables, metrics, strict=True):
        variable.assign(array)


def _variables(model):
    return [*model.variables, *model.optimizer.variables]


def _kind(variable):
    """NumPy's letter for the kind of number that a variable holds."""
    dtype = keras.backend.standardize_dtype(variable.dtype)
    return "f" if dtype.startswith("bfloat") else np.dtype(dtype).kind


def _as_numpy(variable):
    array = keras.ops.convert_to_numpy(variable)
    # NumPy's format knows no bfloat16; float32 holds it exactly.
    return array.astype("float32") if array.dtype.kind == "V" else array
