"""The state of model and optimizer in one file, for going on exactly."""

from pathlib import Path

import keras
import numpy as np

from keras_pnnh.files import replace_when_complete


def save_checkpoint(model: keras.Model, path: Path) -> None:
    """Write all variables of a compiled model and its optimizer.

    Not with `model.save_weights`: Keras leaves the states of random
    generators out (a dropout's, for one; on torch, which draws from a
    generator of its own, they are out of reach), and HDF5 takes the process
    down when the disk is full.

    Args:
        model: A compiled model whose optimizer is built.
        path: Where to write, a name that ends in `.npz`.

    Raises:
        OSError: If the file cannot be written; `path` is then unchanged.
    """
    arrays = {
        f"{index:05d}": _as_numpy(variable)
        for index, variable in enumerate(_variables(model))
    }
    with replace_when_complete(path) as unfinished:
        with open(unfinished, "wb") as file:
            np.savez(file, **arrays)


def load_checkpoint(model: keras.Model, path: Path) -> None:
    """Restore what `save_checkpoint` wrote, completely or not at all.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or of another model.
    """
    if not path.is_file():
        raise FileNotFoundError(
            "Resuming a run needs its last checkpoint. Received: "
            f"'{path.parent}' without '{path.name}'. Start anew in another "
            "folder."
        )
    variables = _variables(model)
    try:
        with open(path, "rb") as file, np.load(file) as archive:
            # The archive compares each array with its checksum.
            arrays = [archive[name] for name in sorted(archive.files)]
    # Damaged archives raise errors of every kind.
    except Exception as error:
        raise ValueError(
            "A checkpoint must be complete. Received: "
            f"'{path}' ({path.stat().st_size} bytes), which cannot be read: "
            f"{error}. Start anew in another folder."
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
                "or values that are not finite. Start anew in another folder."
            )
    for variable, array in zip(variables, arrays, strict=True):
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
