"""Build an application, load its weights, put it on the user's tensor."""

import inspect
import warnings

import keras

from keras_pnnh import graph
from keras_pnnh.applications._converted import load_chain
from keras_pnnh.applications._weight_sources import (
    DOWNLOAD_OPTIONS,
    Published,
    find_source,
)
from keras_pnnh.layers._initial_values import replaced_later


def build(model_class, variant, numbers, weights, input_tensor, arguments):
    """Construct a variant, load its weights, wire it to `input_tensor`.

    Args:
        model_class: The application, called with `numbers` and `arguments`.
        variant: Name of the variant, part of the key of its weights.
        numbers: Arguments of `model_class` that make the variant.
        weights: None, a tag of the registry, the path of a file, or
            `"hf://owner/name"`.
        input_tensor: None or a Keras tensor.
        arguments: Further arguments of `model_class`, which override
            `numbers`, and `DOWNLOAD_OPTIONS`.

    Returns:
        The model.
    """
    options, given = {}, {}
    for key, value in arguments.items():
        (options if key in DOWNLOAD_OPTIONS else given)[key] = value
    arguments = {**numbers, **given}
    if input_tensor is not None:
        arguments = _with_shape_of(input_tensor, arguments)
    if weights is None:
        model = model_class(**arguments)
    else:
        source = find_source(variant, numbers, weights, options)
        model = _pretrained(model_class, source, arguments)
    return model if input_tensor is None else _rewire(model, input_tensor)


def _pretrained(model_class, source, arguments):
    """Load the source; a head of another size stays random, and says so."""
    arguments = {**_defaults(model_class), **source.complete(arguments)}
    converts = arguments.get("internal_path") == "pass_through"
    if converts and isinstance(source, Published):
        model = load_chain(model_class, source, arguments)
    else:
        with replaced_later():
            model = model_class(**arguments)
        source.fetch(model)
        if not arguments["include_top"] or source.has_head_of(arguments):
            source.load(model)
            return model
        with replaced_later():
            backbone = model_class(**{**arguments, "include_top": False})
        source.load(backbone)
        for layer in backbone.layers:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    if arguments["include_top"] and not source.has_head_of(arguments):
        warnings.warn(
            f"The pretrained classifier has {source.classes} classes, "
            f"`classes={arguments['classes']}` were asked for: the backbone "
            "is pretrained, the classifier 'head' is new and random. Train "
            "it.",
            stacklevel=4,
        )
    return model


def _defaults(model_class):
    """What the family takes where weights and caller say nothing."""
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(model_class).parameters.values()
        if parameter.default is not parameter.empty
    }


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
