"""Write a weight file that says what it was made for."""

from typing import Any

import h5py

from keras_pnnh.files import replace_when_complete
from keras_pnnh.weights import architecture, content, notes
from keras_pnnh.weights import classifier as classifiers
from keras_pnnh.weights.loader import SUFFIX


def save_weights(model: Any, path: Any, classifier: Any = None) -> None:
    """Save a model's weights, without its optimizer, in one step.

    The file appears under its name only when it is complete. It can be
    given to `weights=` of the model's constructor.

    Args:
        model: An application of this library; with another model, the file
            does not say what it was made for.
        path: Where to write; the name must end in `.weights.h5`.

        classifier: A `Classifier` that says what the outputs mean, or None.
            Classifying needs it.

    Raises:
        ValueError: If the name has another ending.
        OSError: If the file cannot be written (full disk, no rights).

    Example:

    >>> import tempfile
    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3), classes=3
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/mine.weights.h5"
    ...     keras_pnnh.save_weights(model, path)
    ...     keras_pnnh.from_weights(path).output_shape
    (None, 3)
    """
    if not str(path).endswith(SUFFIX):
        raise ValueError(
            f"The name of a weight file must end in '{SUFFIX}'. "
            f"Received: path='{path}'. Try '{path}{SUFFIX}'."
        )
    if "quantized" in getattr(model, "get_config", dict)():
        raise ValueError(
            "A weight file holds the weights that a network was trained with. "
            f"Received: '{model.name}', quantised. Save it whole, "
            "`model.save('model.keras')`."
        )
    # A copy that was never compiled: Keras would store the optimizer, too.
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    with replace_when_complete(path, _largest_size(copy)) as unfinished:
        copy.save_weights(unfinished)
        with h5py.File(unfinished, "r+") as file:
            architecture.write(file, model)
            if classifier is not None:
                classifiers.write(file, classifier)
            content.write(file)
            notes.seal(file)


def _largest_size(model):
    """More bytes than the file will take."""
    values = sum(value.nbytes for value in model.get_weights())
    # HDF5 spends up to 2 kB on each group and variable, padded.
    return values + 8192 * (len(model.variables) + 1)
