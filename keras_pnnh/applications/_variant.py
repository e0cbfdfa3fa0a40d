"""Constructors of the published variants, like those of Keras."""

import inspect
import os
import textwrap
from collections.abc import Callable
from typing import Any, ParamSpec

import keras

from keras_pnnh.applications._checks import check_arguments
from keras_pnnh.applications.pretrained.build import build

# None, a tag, a path or `"hf://owner/name"`.
Weights = str | os.PathLike | None

# Constructors by the name that `create_model` takes.
MODELS: dict[str, Callable[..., keras.Model]] = {}

P = ParamSpec("P")

# What all constructors say of the arguments that they share.
WEIGHTS = """\
weights: None for random initialisation, `"{published}"` for published weights
    where they exist (see `keras_pnnh.list_weights()`), the path of a
    `.weights.h5` file, or `"hf://owner/name@revision"` for a repository of
    the Hugging Face Hub. What you leave open is what the weights say. Unlike
    in `keras.applications` the default is None: nothing is downloaded unasked,
    and the network that one trains is the library's own.
input_tensor: A Keras tensor to use as the image input. It is wired in after
    the weights are loaded.
"""
CLASSES = """\
classes: Number of classes, by default that of the weights, or {classes}.
    Weights of another number keep their backbone and get a new, random
    classifier; a warning says so.
classifier_activation: `"softmax"`, or None for logits.
"""
HUB = """\
revision: Commit, branch or tag of the Hub's repository.
cache_dir: Where downloads are kept.
token: Access token of the Hub, or False for none.
local_files_only: Whether to use what is on this machine alone.
force_download: Whether to download what is there already.
"""
RETURNS = """\
Returns:
    A `keras.Model`.

Raises:
    ValueError: For an argument that does not fit, or weights of another
        architecture.
    FileNotFoundError: If `weights` names a file that does not exist.
"""


def variant(
    signature: Callable[P, keras.Model],
    name: str,
    family: type[Any],
    choose: Callable[[dict[str, Any]], tuple[str, dict[str, Any]]],
    promised: tuple[str, ...] = (),
    **documented: Any,
) -> Callable[P, keras.Model]:
    """The constructor of one variant, or of all variants of one function.

    Args:
        signature: A function without a body: its parameters are those of the
            constructor. Its docstring may hold `{fields}`, those above in
            lower case among them.
        name: Name of the constructor, e.g. `"PlainResNet50"`.
        family: An `Application`.
        choose: Of the arguments that were given, the name of the variant and
            the arguments of the family that make it.
        promised: Those of these arguments that the name stands for. Other
            weights cannot change them, such as the depth of a `PlainResNet20`;
            all others are what the weights say.
        **documented: Values of the fields.

    Example:

    >>> import keras
    >>> from keras_pnnh.applications import PlainResNet, variant
    >>> def signature(weights: None = None, classes: int = 10) -> keras.Model:
    ...     "{name} has two blocks."
    ...     ...
    >>> numbers = {"blocks_per_stage": (2,), "filters_per_stage": (4,)}
    >>> construct = variant(
    ...     signature, "Tiny", PlainResNet, lambda given: ("tiny", numbers)
    ... )
    >>> construct.__doc__, construct(classes=3).name
    ('Tiny has two blocks.', 'tiny')
    """
    parameters = inspect.signature(signature)

    def construct(*args: P.args, **kwargs: P.kwargs) -> keras.Model:
        given = {
            key: value
            for key, value in check_arguments(
                name, parameters, args, kwargs
            ).items()
            # Of this one None is a value: logits.
            if value is not None or key == "classifier_activation"
        }
        chosen, numbers = choose(given)
        weights = given.pop("weights", None)
        input_tensor = given.pop("input_tensor", None)
        return build(
            family,
            chosen,
            numbers,
            promised,
            weights,
            input_tensor,
            {"name": chosen, **given},
        )

    construct.__name__ = construct.__qualname__ = name
    construct.__module__ = family.__module__
    usual = {"name": name, "classes": 1000, "published": "imagenet"}
    construct.__doc__ = _documentation(signature, {**usual, **documented})
    construct.__signature__ = parameters  # type: ignore[attr-defined]
    return construct


def _documentation(signature, fields):
    def entries(text):
        return textwrap.indent(text.format(**fields), 4 * " ").strip()

    return inspect.cleandoc(signature.__doc__ or "").format(
        weights=entries(WEIGHTS),
        classes_and_activation=entries(CLASSES),
        hub=entries(HUB),
        returns=RETURNS.strip(),
        **fields,
    )


def register(name: str, construct: Callable[..., keras.Model]) -> None:
    """Make a constructor known to `create_model` and the command line.

    Args:
        name: Name for `create_model`, such as `"my_net20"`.
        construct: Function or class that returns a `keras.Model`.

    Raises:
        ValueError: If there is another model of this name.

    Example:

    >>> from keras_pnnh import create_model
    >>> from keras_pnnh.applications import PlainResNet, register
    >>> def tiny(**options):
    ...     return PlainResNet((1,), (4,), name="tiny", **options)
    >>> register("tiny", tiny)
    >>> create_model("tiny", classes=3).output_shape
    (None, 3)
    """
    if name in MODELS:
        raise ValueError(
            f"A model's name must be its own. Received: name={name!r}, which "
            f"is {MODELS[name].__name__}."
        )
    MODELS[name] = construct
