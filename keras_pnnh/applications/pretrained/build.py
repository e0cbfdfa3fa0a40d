"""Build an application, load its weights, put it on the user's tensor."""

import inspect
import warnings
from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.applications.pretrained.sources import (
    DOWNLOAD_OPTIONS,
    Source,
    find_source,
)
from keras_pnnh.layers._checks import resolve_data_format
from keras_pnnh.layers._initial_values import replaced_later
from keras_pnnh.weights import architecture, bounds


def build(
    model_class: Any,
    variant: str,
    numbers: dict[str, Any],
    promised: tuple[str, ...],
    weights: Any,
    input_tensor: Any,
    arguments: dict[str, Any],
) -> keras.Model:
    """Construct a variant, load its weights, wire it to `input_tensor`.

    Args:
        model_class: The application.
        variant: Name of the variant, part of the key of its weights.
        numbers: Arguments of `model_class` that make the variant.
        promised: Those of them that the variant's name stands for, and that
            weights cannot change.
        weights: None, a tag of the registry, the path of a file, or
            `"hf://owner/name"`.
        input_tensor: None or a Keras tensor.
        arguments: Arguments that the caller gives: of `model_class`, before
            which `numbers` and what the weights say step back, and
            `DOWNLOAD_OPTIONS`.

    Raises:
        ValueError: If the weights are of another network.
    """
    options, given = {}, {}
    for key, value in arguments.items():
        (options if key in DOWNLOAD_OPTIONS else given)[key] = value
    if input_tensor is not None:
        given = _with_shape_of(input_tensor, given)
    if weights is None:
        model = model_class(**{**numbers, **given})
    else:
        source = find_source(variant, numbers, weights, options)
        kept = {**_defaults(model_class), **numbers}
        kept = {key: kept[key] for key in promised}
        says = source.architecture(model_class, given)
        architecture.check_given(says, {**kept, **given}, source.name)
        model = load(model_class, source, says, numbers, given)
    return model if input_tensor is None else _rewire(model, input_tensor)


def load(
    model_class: Any,
    source: Source,
    says: dict[str, Any],
    numbers: dict[str, Any],
    given: dict[str, Any],
) -> keras.Model:
    """The network that the weights are of, as far as the caller leaves it open.

    A head of another size stays random, with a warning; so does one on weights
    that have none, for which a caller asks by `classes`.

    Args:
        model_class: The application.
        source: Where the weights are.
        says: What they say of the network.
        numbers: Arguments for what neither they nor the caller say.
        given: Arguments that the caller gives.
    """
    noted = _noted_shape(says, "channels_last")
    if noted is not None:
        architecture.check_channels(noted[2], given, source.name)
    arguments = {**_defaults(model_class), **numbers, **_middle(says), **given}
    classes = says.get("classes")
    if "classes" not in given and classes is not None:
        arguments["classes"] = classes
    headless = says.get("include_top") is False
    if headless and not {"include_top", "classes"} & given.keys():
        kept = {key: says[key] for key in ("pooling",) if key in says}
        arguments |= {"include_top": False, **kept, **given}
    include_top = bool(arguments.get("include_top", True))
    shape = _noted_shape(
        says,
        arguments.get("data_format"),
        any_size=model_class.any_size and not include_top,
    )
    if "input_shape" not in given and shape is not None:
        arguments["input_shape"] = shape
    new_head = include_top and (
        "classes" in given
        if headless
        else classes not in (None, arguments["classes"])
    )
    size = source.size()
    if size is not None:
        bounds.check_widths(arguments, size, source.name)
    with replaced_later():
        model = model_class(**arguments)
    source.load(model, new_head)
    if new_head:
        has = f"The pretrained classifier has {classes} classes"
        if headless:
            has = "The pretrained weights have no classifier"
        warnings.warn(
            f"{has}, "
            f"`classes={arguments['classes']}` were asked for: the backbone "
            "is pretrained, the classifier 'head' is new and random. Train "
            "it.",
            stacklevel=4,
        )
    return model


def _middle(says):
    """What the weights say of the network between its two ends."""
    return {
        key: value
        for key, value in says.items()
        if key not in architecture.ENDS
    }


def _defaults(model_class):
    """What the family takes where nobody says anything."""
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(model_class).parameters.values()
        if parameter.default is not parameter.empty
    }


def _noted_shape(says, data_format, any_size=False):
    """The shape of an image that the weights say, in another data format.

    With `any_size` height and width stay open: a backbone takes any.
    """
    noted = says.get("input_shape")
    if noted is None:
        return None
    if says.get("data_format") == "channels_first":
        noted = (*noted[1:], noted[0])
    height, width, channels = noted
    if any_size:
        height = width = None
    if resolve_data_format(data_format) == "channels_first":
        return (channels, height, width)
    return (height, width, channels)


def _with_shape_of(input_tensor, arguments):
    if not isinstance(input_tensor, keras.KerasTensor):
        raise ValueError(
            "`input_tensor` must be a Keras tensor, such as "
            f"`keras.Input(...)`. Received: {type(input_tensor).__name__}."
        )
    shape = tuple(input_tensor.shape[1:])
    given = arguments.get("input_shape")
    if given is not None and tuple(given) != shape:
        raise ValueError(
            "`input_shape` must agree with `input_tensor`. Received: "
            f"input_shape={given}, a tensor of shape "
            f"{shape}. Leave `input_shape` out."
        )
    return {**arguments, "input_shape": shape}


def _rewire(model, input_tensor):
    """The model's layers on a tensor of the user's, weights included."""
    copies = {}

    def call(layer, args, kwargs):
        if layer.name not in copies:
            copies[layer.name] = type(layer).from_config(layer.get_config())
        return copies[layer.name](*args, **kwargs)

    levels = model.pyramid_outputs
    whole = keras.Model(model.inputs, [model.output, *levels.values()])
    outputs, *maps = graph.replay(whole, [input_tensor], call)
    for name, copy in copies.items():
        copy.set_weights(model.get_layer(name).get_weights())
    sources = keras.utils.get_source_inputs(input_tensor)
    # Keras compares structures: a list of one wants a list of one in calls.
    inputs = sources[0] if len(sources) == 1 else sources
    rewired = keras.Model(inputs, outputs, name=model.name)
    rewired.pyramid_outputs = dict(zip(levels, maps, strict=True))
    return rewired
