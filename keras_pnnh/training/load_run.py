"""A trained network, from the folder of its run."""

import os
from typing import Any

import keras

from keras_pnnh.applications import from_weights
from keras_pnnh.training.run_folder import RunFolder


def load_run(folder: str | os.PathLike[str], **arguments: Any) -> keras.Model:
    """The network that a finished run has trained.

    Args:
        folder: What was `output` of `train`.
        **arguments: Arguments of the network that its weights do not decide,
            such as `classifier_activation=None` for logits.

    Returns:
        A `keras.Model`; its outputs are probabilities.

    Raises:
        FileNotFoundError: If there is no such folder, or no finished run in
            it.
        ValueError: For arguments that do not fit.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> from keras_pnnh.applications import PlainResNet
    >>> from keras_pnnh.data import LabelledImages
    >>> from keras_pnnh.training import Recipe, load_run, train
    >>> images = np.zeros((8, 8, 8, 3), "uint8")
    >>> data = LabelledImages(images, np.arange(8) % 2, ("cat", "dog"))
    >>> model = PlainResNet(
    ...     (1,), (8,), classes=2, input_shape=(8, 8, 3),
    ...     classifier_activation=None,
    ... )
    >>> recipe = Recipe(epochs=1, batch_size=4, warmup_epochs=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = train(model, data, recipe, f"{folder}/run")
    ...     trained = load_run(f"{folder}/run")
    >>> trained.output_shape
    (None, 2)
    """
    run = RunFolder(folder)
    if not run.is_finished() or not run.weights_path.is_file():
        raise FileNotFoundError(
            "A trained network is loaded from the folder of a finished run. "
            f"Received: '{run.path}', without "
            f"'{run.record_path.name}' and '{run.weights_path.name}'. Let the "
            "run finish (`resume=True`), or name another folder."
        )
    return from_weights(run.weights_path, **arguments)
