"""Applications by name."""

import difflib
import fnmatch
from typing import Any

import keras

from keras_pnnh.applications._variant import MODELS

__all__ = ["MODELS", "create_model", "list_models"]


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a shell pattern, by family.

    Args:
        pattern: Shell pattern such as `"plain_resnet*"`.

    Example:

    >>> from keras_pnnh import list_models
    >>> list_models("plain_resnet?0")
    ['plain_resnet50', 'plain_resnet20']
    """
    return [name for name in MODELS if fnmatch.fnmatch(name, pattern)]


def create_model(name: str, /, **arguments: Any) -> keras.Model:
    """Construct a model by name.

    Args:
        name: One of `list_models()`.
        **arguments: Arguments of its constructor.

    Raises:
        ValueError: For an unknown name; the message offers the nearest ones.

    Example:

    >>> from keras_pnnh import create_model
    >>> create_model("plain_resnet20", input_shape=(8, 8, 3)).name
    'plain_resnet20'
    """
    if name not in MODELS:
        near = difflib.get_close_matches(str(name), MODELS, cutoff=0.0)
        raise ValueError(
            "A model's name must be one of `keras_pnnh.list_models()` (on the "
            "command line: `keras-pnnh list`). "
            f"Received: name={name!r}. Nearest: {', '.join(near)}."
        )
    return MODELS[name](**arguments)
