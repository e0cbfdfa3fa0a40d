"""The folder of a run, of a network that `model.fit` has trained."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_pnnh import environment
from keras_pnnh.applications import Application
from keras_pnnh.training import curves, devices, hosts
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.training.whole_model import save_whole
from keras_pnnh.weights import Classifier, save_weights


def save_run(
    model: keras.Model,
    output: str | os.PathLike[str],
    class_names: Sequence[str],
    source: str,
    *,
    training_images: int,
    validation_images: int = 0,
    history: Mapping[str, Sequence[float]] | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    image_size: tuple[int, int] | None = None,
    initial_weights: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Keep what `model.fit` has trained as `train` keeps its runs.

    The names of the classes travel with the weights then, `evaluate` records
    its result in the folder (`run=`), and `push` publishes it.

    Args:
        model: A network of this library, compiled and trained.
        output: A new or an empty folder.
        class_names: Names of the classes in the order of the outputs.
        source: Where the images come from, in words, for the record.
        training_images: How many there were.
        validation_images: How many others were held out.
        history: The metrics of each epoch, `fit(...).history`. Defaults to
            those of the last `fit`.
        seconds: How long the training took, if it was measured.
        seed: Of order and augmentation, if it was set.
        image_size: `(height, width)`; by default the model's, which must be
            given where the model takes any.
        initial_weights: JSON-like facts about the weights that the training
            began with, such as `{"source": "plain_resnet50.imagenet"}`.

    Returns:
        The record of the run, a JSON-like dict. Its `"recipe"` is what the
        optimizer says of itself.

    Raises:
        ValueError: If the model is none of this library, was not compiled or
            not trained, or the names are not as many as its outputs.
        FileExistsError: If the folder holds anything.
        OSError: If a file cannot be written.
        ModuleNotFoundError: If matplotlib is not installed.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> from keras_pnnh.applications import PlainResNet
    >>> from keras_pnnh.training import load_run, save_run
    >>> model = PlainResNet((1,), (8,), classes=2, input_shape=(8, 8, 3))
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> images, labels = np.zeros((4, 8, 8, 3)), np.arange(4) % 2
    >>> history = model.fit(images, labels, verbose=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = save_run(
    ...         model, f"{folder}/run", ("cat", "dog"), "made up",
    ...         training_images=4,
    ...     )
    ...     load_run(f"{folder}/run").output_shape
    (None, 2)
    """
    epochs = _epochs(model, history)
    classifier = Classifier(
        _check_names(model, class_names), _size(model, image_size)
    )
    config: dict[str, Any] = {
        "model": {
            "class_name": type(model).__name__,
            "parameters": model.count_params(),
            **model.get_config(),
        },
        "recipe": {"epochs": len(epochs), **_describe(model.optimizer)},
        "seed": seed,
        "data": {
            "source": source,
            "training_images": training_images,
            "validation_images": validation_images,
            "classes": list(classifier.labels),
        },
    }
    if initial_weights:
        config["initial_weights"] = dict(initial_weights)
    record = {
        **config,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "devices": devices.replicas(),
        "epochs": epochs,
        "seconds": seconds,
    }
    return hosts.decided_by_first(
        lambda: _write(RunFolder(output), model, classifier, config, record)
    )


def _write(folder, model, classifier, config, record):
    with folder.locked():
        folder.start(config, resume=False)
        folder.write_log(record["epochs"])
        save_weights(model, folder.weights_path, classifier)
        save_whole(model, folder.model_path)
        curves.plot_curves(record["epochs"], folder.curves_path, model.name)
        folder.write_record(record)
    return folder.read_record()


def _epochs(model, history):
    """Rows of numbers, one for each epoch."""
    if not isinstance(model, Application):
        raise ValueError(
            "A run is of a network of this library, which its record can "
            f"build again. Received: model '{getattr(model, 'name', model)}' "
            f"({type(model).__name__}). Save it with `model.save`."
        )
    if history is None:
        history = getattr(getattr(model, "history", None), "history", {})
    history = getattr(history, "history", history)
    if not history.get("loss") or not model.compiled:
        raise ValueError(
            "A run has the loss of each of its epochs. Received: a model that "
            f"was {'' if model.compiled else 'not compiled, or '}not trained "
            "by `fit` since it was made or loaded. Give the metrics as "
            "`history`, or fit it."
        )
    return [
        {
            "epoch": number,
            **{
                name: round(float(values[number - 1]), 6)
                for name, values in history.items()
                if len(values) >= number
            },
        }
        for number in range(1, len(history["loss"]) + 1)
    ]


def _check_names(model, names):
    classes = model.output_shape[-1]
    if isinstance(names, str) or len(names) != classes:
        raise ValueError(
            "`class_names` must be as many names as the network has outputs, "
            f"{classes}. Received: class_names={names!r}."
        )
    return tuple(map(str, names))


def _size(model, image_size):
    _, *shape = model.input_shape
    first = getattr(model, "data_format", None) == "channels_first"
    height, width = shape[1:] if first else shape[:2]
    if image_size is None and None in (height, width):
        raise ValueError(
            "The record says what size the images had. Received: a model for "
            f"images of any size, {model.input_shape}. Give it as "
            "`image_size`."
        )
    return image_size or (height, width)


def _describe(optimizer):
    """What an optimizer says of itself, numbers and words."""
    settings: dict[str, Any] = {"optimizer": type(optimizer).__name__}
    for key, value in optimizer.get_config().items():
        if isinstance(value, dict):
            value = value.get("class_name")
        if key != "name" and isinstance(value, int | float | str):
            settings[key] = value
    return settings
