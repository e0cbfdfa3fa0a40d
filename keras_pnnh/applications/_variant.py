"""Constructors of the published variants, like those of Keras."""

import inspect
import os
from collections.abc import Callable
from typing import Any, ParamSpec

import keras

from keras_pnnh.applications import _pretrained

# None, a tag, a path or `"hf://owner/name"`.
Weights = str | os.PathLike | None

# Constructors by the name that `create_model` takes.
MODELS: dict[str, Callable[..., keras.Model]] = {}

P = ParamSpec("P")


def variant(
    signature: Callable[P, keras.Model],
    name: str,
    family: type,
    choose: Callable[[dict], tuple[str, dict]],
    **documented: Any,
) -> Callable[P, keras.Model]:
    """The constructor of one variant, or of all variants of one function.

    Args:
        signature: A function without a body: its parameters are those of the
            constructor. Its docstring may hold `{fields}`.
        name: Name of the constructor, e.g. `"PlainResNet50"`.
        family: An `Application`.
        choose: Of the arguments that were given, the name of the variant and
            the arguments of the family that make it.
        **documented: Values of the fields.
    """
    parameters = inspect.signature(signature)

    def construct(*args: P.args, **kwargs: P.kwargs) -> keras.Model:
        given = {
            key: value
            for key, value in parameters.bind(*args, **kwargs).arguments.items()
            # Of this one None is a value: logits.
            if value is not None or key == "classifier_activation"
        }
        chosen, numbers = choose(given)
        weights = given.pop("weights", None)
        input_tensor = given.pop("input_tensor", None)
        return _pretrained.build(
            *(family, chosen, numbers, weights, input_tensor),
            {"name": chosen, **given},
        )

    construct.__name__ = construct.__qualname__ = name
    construct.__module__ = family.__module__
    construct.__doc__ = inspect.cleandoc(signature.__doc__ or "").format(
        name=name, **documented
    )
    construct.__signature__ = parameters  # type: ignore[attr-defined]
    return construct


def register(name: str, construct: Callable[..., keras.Model]) -> None:
    """Make a constructor known to `create_model` and the command line.

    Raises:
        ValueError: If there is another model of this name.
    """
    if name in MODELS:
        raise ValueError(
            f"A model's name must be its own. Received: name={name!r}, which "
            f"is {MODELS[name].__name__}."
        )
    MODELS[name] = construct
