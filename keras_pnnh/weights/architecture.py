"""The architecture that a weight file was made for, kept inside the file.

Two networks can have variables of the same shapes and still be different: the
residual twin and the plain baseline, for one.
"""

import inspect
import json
from typing import Any

from keras_pnnh.layers._checks import resolve_data_format
from keras_pnnh.weights import bounds, notes

ATTRIBUTE = "keras_pnnh_architecture"

# What the weights say of the two ends of the network. A caller may want others.
ENDS = ("include_top", "input_shape", "pooling", "classes", "data_format")

# Arguments that do not change what the weights mean.
FREE_ARGUMENTS = {
    "name",
    "trainable",
    "frozen",
    "quantized",
    "include_top",
    "input_shape",
    "pooling",
    "classes",
    "classifier_activation",
    "dropout_rate",
    "data_format",
    "dtype",
    "learner_gain",
    "start",
    "coder_training",
    "coder_initializer",
    "code_gain",
}


def describe(model: Any) -> Any:
    """The arguments of `model` that its weights depend on.

    None for a model that is no application of this library.
    """
    if not hasattr(model, "translate_config"):
        return None
    return of_config(type(model).__name__, model.get_config())


def of_config(class_name: str, config: Any) -> dict[Any, Any]:
    """The part of a model's config that its weights depend on."""
    arguments = {
        key: config[key] for key in config if key not in FREE_ARGUMENTS
    }
    return {"class_name": class_name, **arguments}


def write(file: Any, model: Any) -> None:
    """Note the architecture of `model`, if known, in an open HDF5 file."""
    description = describe(model)
    if description is None:
        return
    config = model.get_config()
    ends = {key: config[key] for key in ("name", *ENDS) if key in config}
    file.attrs[ATTRIBUTE] = json.dumps({**description, **ends})


def arguments_of(
    model_class: Any, noted: Any, path: Any
) -> dict[Any | str, Any]:
    """What weights say, as arguments of the class that the model is of.

    Args:
        model_class: An application.
        noted: A note, or the config of a model with its `class_name`.
        path: Where it is from, for errors.

    Returns:
        Those arguments that the weights depend on, and `ENDS`.

    Raises:
        ValueError: For the note of another class, or arguments that the class
            does not have.
    """
    if noted["class_name"] != model_class.__name__:
        raise ValueError(
            "Weights only fit the architecture they were made for. Received: "
            f"'{path}', made for a {noted['class_name']}, for a "
            f"{model_class.__name__}. "
            f"`keras_pnnh.from_weights({str(path)!r})` constructs what they "
            "are of."
        )
    with bounds.building(path, (TypeError, AttributeError, KeyError)):
        translated = model_class.translate_config(noted)
    arguments = {
        key: value
        for key, value in translated.items()
        if key in ENDS or key not in {*FREE_ARGUMENTS, "class_name"}
    }
    known = inspect.signature(model_class).parameters
    strange = sorted(set(arguments) - set(known))
    if strange:
        raise ValueError(
            "Weights must describe their network in the arguments of "
            f"{model_class.__name__}. Received: '{path}' with "
            f"{', '.join(strange)}. They are of a later version: update "
            "keras_pnnh."
        )
    return arguments


def check_given(says: Any, given: Any, path: Any) -> None:
    """Raise unless what a caller gives agrees with what the weights say.

    Args:
        says: Arguments that the weights say.
        given: Arguments that the caller gives.
        path: Where the weights are.
    """
    says, given = json.loads(json.dumps([says, given], default=repr))
    different = [
        f"{key}: file {says[key]!r}, model {given[key]!r}"
        for key in sorted(given)
        if key in says
        and key not in FREE_ARGUMENTS
        and given[key] != says[key]
        # The caller scales the pixels; how is no matter of the weights.
        and (key, given[key]) != ("preprocessing", "none")
    ]
    if different:
        raise ValueError(
            "Weights only fit the architecture they were made for. Received: "
            f"'{path}'; they differ in {'; '.join(different)}. Leave these "
            "arguments out, or construct the network that the weights are of: "
            f"`keras_pnnh.from_weights({str(path)!r})`."
        )


def check_channels(expected: Any, given: dict[str, Any], path: Any) -> None:
    """Raise if a caller's images have other channels than the weights read.

    Args:
        expected: Channels that the weights read.
        given: Arguments that the caller gives.
        path: Where the weights are.
    """
    shape = given.get("input_shape")
    if not isinstance(shape, (list, tuple)) or len(shape) != 3:
        return  # which the constructor refuses, or has a default for
    first = resolve_data_format(given.get("data_format")) == "channels_first"
    channels = shape[0 if first else -1]
    if channels == expected:
        return
    repair = f"Give the model images of {expected} channels."
    if (channels, expected) == (1, 3):
        repair = (
            "Repeat the channel of grey images, `np.repeat(images, 3, "
            "axis=-1)`, and leave `input_shape` at 3 channels."
        )
    raise ValueError(
        f"The kernels of '{path}' read images of {expected} channels. "
        f"Received: input_shape={tuple(shape)}, with channels={channels!r}. "
        f"{repair}"
    )


def read(file: Any) -> Any:
    """The architecture noted in an open HDF5 file, or None."""
    return notes.read(file, ATTRIBUTE, ("class_name",))


def check(model: Any, made_for: Any, path: Any) -> None:
    """Raise a ValueError unless `model` has the architecture `made_for`.

    An argument that the file does not know is younger than the file, which
    then was made for its default.
    """
    wanted = describe(model)
    if wanted is not None:
        compare(type(model), wanted, made_for, path, model.name)


def describe_call(model_class: Any, arguments: Any) -> dict[str, Any]:
    """As `describe`, of the model that a call would construct.

    Raises:
        TypeError: For an argument that the class does not take.
    """
    bound = inspect.signature(model_class).bind(**arguments)
    bound.apply_defaults()
    return of_config(model_class.__name__, bound.arguments)


def compare(
    model_class: Any, wanted: Any, made_for: Any, path: Any, name: str
) -> None:
    """Raise a ValueError unless two descriptions are the same.

    Args:
        model_class: Class of the model.
        wanted: Description of the model.
        made_for: That of the weights.
        path: Where the weights are, for the error.
        name: Name of the model.
    """
    wanted = json.loads(json.dumps(wanted))
    made_for = {
        key: value
        for key, value in model_class.translate_config(made_for).items()
        if key not in FREE_ARGUMENTS
    }
    if "none" in (wanted.get("preprocessing"), made_for.get("preprocessing")):
        # The caller scales the pixels; how is no matter of the weights.
        made_for = {**made_for, "preprocessing": wanted.get("preprocessing")}
    parameters = inspect.signature(model_class).parameters
    defaults = {
        key: parameters[key].default
        for key in wanted
        if key in parameters
        and parameters[key].default is not inspect.Parameter.empty
    }
    made_for = json.loads(json.dumps({**defaults, **made_for}))
    different = {
        key: (made_for.get(key), wanted.get(key))
        for key in {**made_for, **wanted}
        if made_for.get(key) != wanted.get(key)
    }
    if different:
        listed = "; ".join(
            f"{key}: file {theirs!r}, model {ours!r}"
            for key, (theirs, ours) in sorted(different.items())
        )
        raise ValueError(
            "Weights only fit the architecture they were made for. Received: "
            f"'{path}' for model '{name}'; they differ in {listed}. "
            "Construct the model with the file's values."
        )
