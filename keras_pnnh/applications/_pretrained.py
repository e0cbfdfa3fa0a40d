"""Build an application, load its weights, put it on the user's tensor."""

import warnings
from pathlib import Path

import keras

from keras_pnnh import graph
from keras_pnnh.weights import (
    architecture,
    hub_repository,
    loader,
    registry,
)

# Arguments of `hub.fetch_weights`; whoever loads nothing from the Hub may
# give them, too.
DOWNLOAD_OPTIONS = (
    "revision",
    "cache_dir",
    "token",
    "local_files_only",
    "force_download",
)


def build(model_class, variant, weights, input_tensor, arguments):
    """Construct a variant, load its weights, wire it to `input_tensor`.

    Args:
        model_class: The application, called with `arguments`.
        variant: Name of the variant, part of the key of its weights.
        weights: None, a tag of the registry, the path of a file, or
            `"hf://owner/name"`.
        input_tensor: None or a Keras tensor.
        arguments: Keyword arguments of `model_class`, and `DOWNLOAD_OPTIONS`.

    Returns:
        The model.
    """
    options = {
        key: arguments[key] for key in DOWNLOAD_OPTIONS if key in arguments
    }
    arguments = {key: arguments[key] for key in arguments if key not in options}
    if input_tensor is not None:
        arguments = _with_shape_of(input_tensor, arguments)
    if weights is None:
        model = model_class(**arguments)
    elif hub_repository.is_reference(weights):
        hub_repository.parse(weights)
        model = model_class(**arguments)
        path, classes = _fetch(model, weights, options)
        _load(model, path, None, classes, arguments)
    elif registry.is_path(weights):
        loader.check_path(Path(weights))
        model = model_class(**arguments)
        loader.load(model, weights)
    else:
        entry = registry.find_weights(variant, weights)
        path = registry.BUNDLED / entry.filename
        model = model_class(**arguments)
        _load(model, path, entry.sha256, entry.classes, arguments)
    return model if input_tensor is None else _rewire(model, input_tensor)


def _fetch(model, reference, options):
    """Download a file that fits the model, and the number of its classes."""
    classes = None  # the file says itself whether it fits

    def check(content):
        nonlocal classes
        config = content["config"]
        made_for = architecture.of_config(content["class_name"], config)
        architecture.check(model, made_for, reference)
        classes = config["classes"] if config["include_top"] else None

    return hub_repository.fetch_weights(reference, check, **options), classes


def _load(model, path, sha256, classes, arguments):
    """Load a file; a head of another size stays random, and says so."""
    same = classes in (None, arguments["classes"])
    if same or not arguments["include_top"]:
        loader.load(model, path, sha256)
        return
    backbone = type(model)(**{**arguments, "include_top": False})
    loader.load(backbone, path, sha256)
    for layer in backbone.layers:
        model.get_layer(layer.name).set_weights(layer.get_weights())
    warnings.warn(
        f"The pretrained classifier has {classes} classes, "
        f"`classes={arguments['classes']}` were asked for: the backbone is "
        "pretrained, the classifier 'head' is new and random. Train it.",
        stacklevel=4,
    )


def _with_shape_of(input_tensor, arguments):
    if not isinstance(input_tensor, keras.KerasTensor):
        raise ValueError(
            "`input_tensor` must be a Keras tensor, such as "
            f"`keras.Input(...)`. Received: {type(input_tensor).__name__}."
        )
    shape = tuple(input_tensor.shape[1:])
    given = arguments["input_shape"]
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
