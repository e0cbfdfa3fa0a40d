"""Load a weight file into a model, completely or not at all."""

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import h5py

from keras_pnnh.weights import architecture, bounds, content, digest
from keras_pnnh.weights.heaps import check_heaps

SUFFIX = ".weights.h5"


def load(model: Any, path: Path, checked: bool = False) -> None:
    """Load `path` into `model` after checking that it belongs there.

    A file with a classifier also loads into a model without one, and one made
    for another image size into a model that resamples its positions.

    Args:
        model: A built, uncompiled `keras.Model`.
        path: A `.weights.h5` file.
        checked: Whether the digest of the file has been compared with one
            that is known, so that its numbers need not be looked at.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is of another kind, damaged, or holds the
            weights of another architecture. The model is then untouched.
    """
    path = Path(path)
    check_path(path)
    with open_file(path) as file:
        made_for = architecture.read(file)
        shapes = _variable_shapes(file)
        if not checked:
            content.check(file)
    if made_for is not None:
        architecture.check(model, made_for, path)
    _check_shapes(model, shapes, path)
    before = model.get_weights()
    try:
        model.load_weights(path)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        model.set_weights(before)  # Keras may have stopped half-way
        raise ValueError(
            "A weight file must hold the variables of the model in its order. "
            f"Received: '{path}' for model '{model.name}', which Keras cannot "
            f"load: {error} The file is damaged or was written for another "
            "architecture."
        ) from error


@contextlib.contextmanager
def open_file(path: Path):
    """Open a weight file to read; raise a ValueError if it is damaged."""
    try:
        check_heaps(path)
        with h5py.File(path, "r") as file:
            bounds.check_unpacked(file, path.stat().st_size)
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        raise ValueError(
            "A weight file must be a complete HDF5 file. Received: "
            f"'{path}' ({path.stat().st_size} bytes), which cannot be read: "
            f"{error}. Fetch or write it again."
        ) from error


def check_path(path: Path) -> None:
    """Raise unless `path` is an existing file with the right suffix."""
    if path.is_dir():
        raise ValueError(
            "Weights are loaded from a file. Received: "
            f"weights='{path}', a folder. If it is that of a finished run, "
            f"give the file in it, '{path / 'model.weights.h5'}', or call "
            "`keras_pnnh.training.load_run`."
        )
    if not path.name.endswith(SUFFIX):
        raise ValueError(
            f"Weights are loaded from a file whose name ends in '{SUFFIX}'. "
            f"Received: weights='{path}'. Load a whole model with "
            "`keras.saving.load_model` and save its weights with "
            "`keras_pnnh.save_weights(model, path)`."
        )
    if not path.is_file():
        raise FileNotFoundError(
            "`weights` must name an existing file. Received: "
            f"weights='{path}', resolved to '{path.absolute()}', which does "
            "not exist."
        )


def check_digest(path: Path, sha256: str) -> None:
    """Raise a ValueError unless a file has the digest of the registry."""
    found = digest.of_file(path)
    if found != sha256:
        raise ValueError(
            "A published weight file must have the SHA-256 that the registry "
            f"gives. Received: '{path}' with {found}, expected {sha256}. "
            "The file is damaged or was replaced; install the package again."
        )


def _variable_shapes(file):
    """Shapes of all variables of the model, without those of an optimizer."""
    shapes = Counter()

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and "optimizer" not in name:
            shapes[item.shape] += 1

    file.visititems(visit)
    return shapes


def _check_shapes(model, shapes, path):
    """The file holds the model's variables, and at most a head besides."""
    # Not `variables`: the state of a dropout's generator is in no file.
    expected = Counter(tuple(weight.shape) for weight in model.weights)
    missing = expected - shapes
    spare = shapes - expected
    _allow_resampling(model, missing, spare)
    head = _head_shapes(model)
    head_only = sum(spare.values()) <= 2 and not head
    if head and missing == head and not spare:
        raise ValueError(
            "A model with a classifier needs weights with one. Received: "
            f"'{path}', which holds a backbone alone: the shapes "
            f"{_summary(missing)} of the classifier of '{model.name}' are "
            "missing. Load it with `include_top=False` and put a classifier "
            "of your own on it."
        )
    channels = _channels_of_first_kernels(missing, spare)
    if channels is not None:
        raise ValueError(
            "A network reads images of as many channels as its weights. "
            f"Received: '{path}', of which the first kernel reads "
            f"{channels[1]} channels, for model '{model.name}', which reads "
            f"{channels[0]}. Give the model's images {channels[1]} channels; "
            "for grey images repeat the one they have."
        )
    if missing or (spare and not head_only):
        raise ValueError(
            "A weight file must hold exactly the variables of the model. "
            f"Received: '{path}' with {shapes.total()} variables for model "
            f"'{model.name}' with {expected.total()}; the file lacks shapes "
            f"{_summary(missing)} and has besides {_summary(spare)}. It was "
            "written for another architecture or number of classes."
        )


def _channels_of_first_kernels(missing, spare):
    """Channels of model and file, if one kernel differs in nothing else."""
    if missing.total() != 1 or spare.total() != 1:
        return None
    (wanted,), (found,) = +missing, +spare
    if len(wanted) != 4 or len(found) != 4 or wanted[2] == found[2]:
        return None
    same = (*wanted[:2], wanted[3]) == (*found[:2], found[3])
    return (wanted[2], found[2]) if same else None


def _allow_resampling(model, missing, spare):
    """Drop maps of another size that a layer resamples while it loads."""
    for layer in model.layers:
        wanted = getattr(layer, "resampled_shape", None)
        if wanted is None or not missing[wanted]:
            continue
        for found in list(spare):
            if len(found) == len(wanted) and found[-1] == wanted[-1]:
                missing.subtract([wanted])
                spare.subtract([found])
                break
    for counter in (missing, spare):
        for shape in [key for key, count in counter.items() if not count]:
            del counter[shape]


def _head_shapes(model):
    """Shapes of the classifier's variables, none if there is none."""
    return Counter(
        tuple(weight.shape)
        for layer in model.layers
        if layer.name == "head"
        for weight in layer.weights
    )


def _summary(shapes, most=3):
    if not shapes:
        return "none"
    listed = [f"{count} x {shape}" for shape, count in shapes.most_common(most)]
    return ", ".join(listed) + (", ..." if len(shapes) > most else "")
