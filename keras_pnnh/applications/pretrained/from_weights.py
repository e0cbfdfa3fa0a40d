"""The network that weights are of, whichever that is."""

import difflib
import inspect
from typing import Any

import keras

from keras_pnnh.applications.catalog import create_model
from keras_pnnh.applications.pretrained.build import load
from keras_pnnh.applications.pretrained.sources import (
    DOWNLOAD_OPTIONS,
    find_source,
)
from keras_pnnh.weights import architecture, references


def from_weights(weights: Any, **arguments: Any) -> keras.Model:
    """Construct the network that weights are of, and load them.

    Files of this library and repositories of the Hub say which network they
    hold: its family, its numbers and its classes.

    Args:
        weights: The path of a `.weights.h5` file, `"hf://owner/name"` or
            `"hf://owner/name@revision"`, or published weights with their
            model, such as `"plain_resnet20.cifar10"`.
        **arguments: Arguments of the network that the weights leave open, such
            as `include_top=False`, `classes=2` (a new head) or
            `input_shape`; for the Hub also `revision`, `cache_dir`, `token`,
            `local_files_only` and `force_download`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: If the weights do not say what they are of, are damaged,
            or an argument contradicts them.
        FileNotFoundError: If there is no such file.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.from_weights("plain_resnet20.cifar10")
    >>> model.name, model.output_shape
    ('plain_resnet20', (None, 10))
    """
    if references.kind_of(weights) == "tag":
        name, _ = references.find_entry(None, weights)
        model, _, tag = name.partition(".")
        return create_model(model, weights=tag, **arguments)
    options = {
        key: arguments.pop(key) for key in DOWNLOAD_OPTIONS if key in arguments
    }
    source = find_source(None, {}, weights, options)
    class_name, name = source.made_for()
    family = _find_family(class_name, source.name)
    _check_arguments(family, arguments)
    says = source.architecture(family, arguments)
    architecture.check_given(says, arguments, source.name)
    named = {} if name is None else {"name": name}
    return load(family, source, says, named, arguments)


def _find_family(name: str | None, path: str) -> Any:
    if name is None:
        raise ValueError(
            "A weight file must say which network it is of. Received: "
            f"'{path}', which does not. Construct the network and give "
            "it the file, such as `PlainResNet20(weights=...)`; on the command "
            "line, name the model."
        )
    family = next(filter(_is_family, _registered(name)), None)
    if family is None:
        raise ValueError(
            "Weights must be of a network of this library, or of a family "
            f"that is imported. Received: '{path}', which says: class_name="
            f"{name!r}. Import its module, update keras_pnnh, or construct "
            "the network and give it the file."
        )
    return family


def _registered(name):
    """Classes of this name, that of this library first."""
    known = keras.saving.get_custom_objects()
    own = f"keras_pnnh>{name}"
    others = [key for key in known if key.endswith(f">{name}") and key != own]
    return [known[key] for key in (own, *others) if key in known]


def _is_family(registered):
    return hasattr(registered, "translate_config")


def _check_arguments(family, arguments):
    known = inspect.signature(family).parameters
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            raise ValueError(
                f"Arguments must be those of {family.__name__}. Received: "
                f"{name}={arguments[name]!r}. Nearest: "
                f"{', '.join(near) or 'none'}."
            )
