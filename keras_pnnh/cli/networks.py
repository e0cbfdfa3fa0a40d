"""The network that `--model`, `--set` and `--weights` name."""

import argparse
import ast
import contextlib
import difflib
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from keras_pnnh.weights import Classifier


def build(options: argparse.Namespace, **arguments: Any) -> "keras.Model":
    """A network by its name, with the weights if there are any.

    Args:
        options: Those of `options.add_model`, and `weights`.
        **arguments: Further arguments of the constructor.

    Raises:
        ValueError: For a model or an argument that does not exist, or weights
            that do not fit.
    """
    from keras_pnnh.applications import create_model

    arguments |= architecture(options, constructor(options.model))
    return create_model(
        options.model, weights=find_weights(options), **arguments
    )


def open_trained(
    options: argparse.Namespace, image_size: tuple[int, int] | None = None
) -> tuple["keras.Model", "Classifier"]:
    """A trained network, and what its outputs mean.

    Model, size and classes are those of the weights where the options leave
    them open.

    Args:
        options: Those of `options.add_model` and `options.add_weights`.
        image_size: In place of the size that the weights were trained on.

    Raises:
        ValueError: If the weights do not say what they are of.
        FileNotFoundError: If there is no such file.
    """
    from keras_pnnh.applications import from_weights
    from keras_pnnh.data_format import input_shape

    _take_model_of_tag(options)
    classifier = find_classifier(options)
    arguments = {
        "classes": len(classifier.labels),
        "input_shape": input_shape(*(image_size or classifier.image_size)),
    }
    if options.model is not None:
        return build(options, **arguments), classifier
    arguments |= architecture(options)
    return from_weights(find_weights(options), **arguments), classifier


def find_classifier(options: argparse.Namespace) -> "Classifier":
    """Classes and image size of the weights."""
    from keras_pnnh import weights

    _take_model_of_tag(options)
    return weights.find_classifier(options.model, find_weights(options))


def find_weights(options: argparse.Namespace) -> str | None:
    """`--weights`, where the folder of a run stands for the file in it.

    Raises:
        ValueError: For a folder that holds no finished run.
    """
    given = options.weights
    if given is None or not os.path.isdir(given):
        return given
    path = Path(given) / "model.weights.h5"
    if not path.is_file():
        raise ValueError(
            "A folder given as weights must be that of a finished run. "
            f"Received: '{given}', without '{path.name}'. Let the run finish "
            "(`keras-pnnh train ... --resume`), or name a file."
        )
    return str(path)


def constructor(name: str) -> Callable[..., Any]:
    """The constructor of a model.

    Raises:
        ValueError: For an unknown name; the message offers the nearest ones.
    """
    from keras_pnnh.applications import list_models
    from keras_pnnh.applications.catalog import MODELS

    if name in MODELS:
        return MODELS[name]
    # `PlainResNet20` and `plain-resnet-20` are near `plain_resnet20`.
    squeezed = {_squeeze(known): known for known in list_models()}
    near = difflib.get_close_matches(_squeeze(name), squeezed, cutoff=0.0)
    raise ValueError(
        "A model must be one that `keras-pnnh list` shows. Received: "
        f"--model {name}. Nearest: {', '.join(squeezed[key] for key in near)}."
    )


def architecture(
    options: argparse.Namespace, constructor: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """What `--path` and `--set` say, as arguments of a constructor.

    Without a constructor, the weights say later which arguments there are.

    Raises:
        ValueError: If one has another form, or the constructor has no such
            argument.
    """
    given: dict[str, Any] = {}
    if options.path is not None:
        given["internal_path"] = options.path
    for text in options.set:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name.isidentifier():
            raise ValueError(
                "An argument of the model is set by a name and a value. "
                f"Received: --set {text}. Write it like --set "
                "code_placement=concat."
            )
        given[name] = _value(value)
    if constructor is None:
        return given
    known = model_arguments(constructor)
    for name in given:
        if name not in known and not _takes_anything(constructor):
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            raise ValueError(
                "Options must fit the model. Received: "
                f"{name}={given[name]!r} for {constructor.__name__}, which "
                f"has no such argument. Nearest: {', '.join(near) or 'none'}. "
                "`keras-pnnh list MODEL` shows all of them."
            )
    return given


# What the commands decide themselves.
DECIDED = (
    "weights",
    "input_tensor",
    "revision",
    "cache_dir",
    "token",
    "local_files_only",
    "force_download",
)


def model_arguments(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Arguments that can be set, with their defaults.

    They come from the signature, so that a new family needs no edit here.
    """
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(constructor).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
        and parameter.name not in DECIDED
    }


def _takes_anything(constructor):
    parameters = inspect.signature(constructor).parameters.values()
    return any(each.kind is each.VAR_KEYWORD for each in parameters)


def check_labels(classifier: "Classifier", class_names: Sequence[str]) -> None:
    """Raise a ValueError unless the weights are for the classes of the data."""
    if tuple(classifier.labels) != tuple(class_names):
        raise ValueError(
            "Weights are evaluated on data with the same classes in the same "
            f"order. Received: weights for {_listed(classifier.labels)}; data "
            f"with {_listed(class_names)}. Take weights that were trained on "
            "these classes (`--weights RUN`), or name the class folders as "
            "the weights do."
        )


def _take_model_of_tag(options):
    """Read `plain_resnet20.cifar10` as a model and its tag."""
    from keras_pnnh.weights import list_weights, references

    given = str(find_weights(options))
    if given in list_weights():
        name, _, tag = given.partition(".")
        if options.model in (None, name):
            options.model, options.weights = name, tag
    elif options.model is None and references.kind_of(given) == "tag":
        references.find_entry(None, given)  # there is none: the nearest


def _squeeze(name):
    return str(name).lower().replace("_", "").replace("-", "")


def _value(text):
    """A number, a tuple, None, True or False; anything else is a string."""
    with contextlib.suppress(ValueError, SyntaxError):
        return ast.literal_eval(text.strip())
    return text.strip()


def _listed(names, most=12):
    shown = ", ".join(list(names)[:most])
    left = len(names) - most
    return shown if left <= 0 else f"{shown} and {left} more"
