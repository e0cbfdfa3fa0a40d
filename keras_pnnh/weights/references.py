"""What the text in `weights=` names: a file, a repository, or a tag."""

import difflib
import os
import re
from typing import Any, Literal

from keras_pnnh.addresses import without_secrets
from keras_pnnh.weights import hub_repository, registry

Kind = Literal["file", "repository", "tag"]

FORMS = (
    "None, the path of a `.weights.h5` file, 'hf://owner/name', or a tag of "
    "published weights such as {examples}"
)


def kind_of(weights: Any) -> Kind:
    """What `weights=` names.

    Args:
        weights: A path, `"hf://owner/name"`, a tag such as `"cifar10"`, or a
            tag with its model such as `"plain_resnet20.cifar10"`.

    Raises:
        ValueError: For the address of a web page, or `"owner/name"` without
            `hf://`, or something else than a text or a path.
    """
    if isinstance(weights, os.PathLike):
        return "file"
    if not isinstance(weights, str):
        raise ValueError(
            f"`weights` must be {_forms()}. Received: {_given(weights)}."
        )
    if hub_repository.is_reference(weights):
        return "repository"
    if weights in registry.WEIGHTS:
        return "tag"
    if os.path.exists(weights):
        return "file"
    _refuse_addresses(weights)
    if weights.endswith((".h5", ".keras")):
        return "file"
    if "." not in weights.partition("/")[0]:
        _refuse_unmarked(weights, weights)
    separators = {"/", os.sep, os.altsep} - {None}
    return "file" if any(part in weights for part in separators) else "tag"


def find_entry(variant: str | None, weights: str) -> tuple[str, Any]:
    """The row of the registry that a tag names.

    Args:
        variant: Name of the model; None if the tag must name it.
        weights: A tag, with or without its model.

    Returns:
        Name of the row, `"<variant>.<tag>"`, and its `WeightsEntry`.

    Raises:
        ValueError: If there is none, or it is that of another model.
    """
    name = weights if weights in registry.WEIGHTS else f"{variant}.{weights}"
    if name not in registry.WEIGHTS:
        raise ValueError(
            f"`weights` must be {_forms()}. Received: {_given(weights)}"
            f"{_nearest(variant, weights)}."
        )
    model = name.partition(".")[0]
    if variant not in (None, model):
        raise ValueError(
            "Weights only fit the model that they are of. Received: "
            f"{_given(weights)} for {variant}. Construct a {model}, with "
            f"`create_model('{model}', weights='{name.partition('.')[2]}')`."
        )
    return name, registry.WEIGHTS[name]


def _forms():
    examples = " or ".join(repr(name) for name in registry.list_bundled()[:2])
    return FORMS.format(examples=examples)


def _given(weights):
    return without_secrets(f"weights={weights!r}")


def _nearest(variant, weights):
    """Those of the model, or those that are written alike."""
    known = registry.list_weights()
    near = [name for name in known if name.startswith(f"{variant}.")]
    if near:
        return f"; {variant} has {', '.join(near)}"
    same = [name for name in known if name.endswith(f".{weights}")]
    if variant is None and same:
        return f", which names no model. There are: {', '.join(same)}"
    wanted = weights if variant is None else f"{variant}.{weights}"
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    if variant is not None:
        listed = ", ".join(near or same or known)
        return f"; {variant} has none. There are: {listed}"
    return f". Nearest: {', '.join(near or known)}"


def _refuse_addresses(weights):
    """Raise for the address of a web page or of a file on the Hub."""
    address = re.fullmatch(
        r"(?:https?://)?(?:www\.)?(?:huggingface|hf)\.co/([^\s?#]+)(?:[?#]\S*)?",
        weights,
    )
    if address:
        _refuse_unmarked(address[1], weights)
    if "://" in weights:
        raise ValueError(
            f"`weights` must be {_forms()}. Received: {_given(weights)}, "
            "an address. Download the file and give its path."
        )


def _refuse_unmarked(name, weights):
    """Raise for a repository of the Hub that is not marked by `hf://`."""
    repository = re.fullmatch(
        r"([\w-][\w.-]*/[\w-][\w.-]*)"
        r"(?:/(?:tree|blob|resolve)/([^/\s]+)(?:/\S*)?)?/?",
        name,
    )
    if repository:
        reference = f"hf://{repository[1]}"
        if repository[2]:
            reference += f"@{repository[2]}"
        raise ValueError(
            "A repository of the Hugging Face Hub is written 'hf://owner/name' "
            f"or 'hf://owner/name@revision'. Received: {_given(weights)}, "
            f"which is no file either. Write weights='{reference}'."
        )
