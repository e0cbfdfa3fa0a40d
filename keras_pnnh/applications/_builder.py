"""What all applications share: input checks, preprocessing, head, weights."""

import warnings
from pathlib import Path

import keras

from keras_pnnh import graph
from keras_pnnh.weights import loader, registry

POOLING = (None, "avg", "max")


def check_stages(blocks_per_stage, filters_per_stage):
    given = (blocks_per_stage, filters_per_stage)
    if not all(map(_are_positive_integers, given)) or len(
        blocks_per_stage
    ) != len(filters_per_stage):
        raise ValueError(
            "`blocks_per_stage` and `filters_per_stage` must be equally long, "
            "non-empty lists of positive integers. Received: blocks_per_stage="
            f"{blocks_per_stage}, filters_per_stage={filters_per_stage}."
        )
    if list(filters_per_stage) != sorted(filters_per_stage):
        raise ValueError(
            "A stage cannot be narrower than the one before: its coder would "
            "have to drop channels. Received: filters_per_stage="
            f"{filters_per_stage}."
        )


def _are_positive_integers(numbers):
    """Whether it is a list or tuple of at least one, and of nothing else."""
    return (
        isinstance(numbers, (list, tuple))
        and len(numbers) > 0
        and all(isinstance(number, int) and number > 0 for number in numbers)
    )


def check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {tuple(choices)}. "
            f"Received: {name}={value!r}."
        )


def check_head(include_top, pooling, classes):
    if pooling not in POOLING:
        raise ValueError(
            f"`pooling` must be one of {POOLING}. "
            f"Received: pooling={pooling!r}."
        )
    if include_top and (not isinstance(classes, int) or classes < 1):
        raise ValueError(
            "`classes` must be a positive integer. "
            f"Received: classes={classes!r}."
        )


def default_input_shape(size, data_format):
    if data_format == "channels_first":
        return (3, size, size)
    return (size, size, 3)


def check_input_shape(input_shape, minimum, data_format):
    """Three axes, known channels, and at least `minimum` pixels a side."""
    if not isinstance(input_shape, (list, tuple)) or len(input_shape) != 3:
        raise ValueError(
            "`input_shape` is the shape of one image and has 3 axes, without "
            f"the batch. Received: input_shape={input_shape}."
        )
    if data_format == "channels_first":
        channels, *sizes = input_shape
    else:
        *sizes, channels = input_shape
    if channels is None:
        raise ValueError(
            "The number of channels must be known. Received: input_shape="
            f"{tuple(input_shape)} with data_format={data_format!r}."
        )
    if any(size is not None and size < minimum for size in sizes):
        raise ValueError(
            f"Images must be at least {minimum}x{minimum} pixels. Received: "
            f"input_shape={tuple(input_shape)} with "
            f"data_format={data_format!r}. Resize the images first."
        )


def preprocessing(dtype):
    """Pixel values 0 to 255 to the range [-1, 1] that the networks expect."""
    return keras.layers.Rescaling(
        1 / 127.5, offset=-1.0, dtype=dtype, name="preprocessing"
    )


def head(x, *, include_top, pooling, classes, activation, data_format, dtype):
    if not include_top and pooling is None:
        return x
    pool = (
        keras.layers.GlobalMaxPooling2D
        if pooling == "max" and not include_top
        else keras.layers.GlobalAveragePooling2D
    )
    x = pool(data_format=data_format, dtype=dtype, name="pool")(x)
    if not include_top:
        return x
    # A softmax in half precision would not sum to 1.
    half = dtype.compute_dtype in ("float16", "bfloat16")
    return keras.layers.Dense(
        classes,
        activation=activation,
        dtype="float32" if half else dtype,
        name="head",
    )(x)


def build(model_class, variant, weights, input_tensor, arguments):
    """Construct a variant, load its weights, wire it to `input_tensor`.

    Args:
        model_class: The application, called with `arguments`.
        variant: Name of the variant, part of the key of its weights.
        weights: None, a tag of the registry, or the path of a file.
        input_tensor: None or a Keras tensor.
        arguments: Keyword arguments of `model_class`.

    Returns:
        The model.
    """
    if input_tensor is not None:
        arguments = _with_shape_of(input_tensor, arguments)
    if weights is None:
        model = model_class(**arguments)
    elif registry.is_path(weights):
        loader.check_path(Path(weights))
        model = model_class(**arguments)
        loader.load(model, weights)
    else:
        entry = registry.find_weights(variant, weights)
        model = _pretrained(model_class, entry, arguments)
    return model if input_tensor is None else _rewire(model, input_tensor)


def _pretrained(model_class, entry, arguments):
    """Load the entry; a head of another size stays random, and says so."""
    path = registry.BUNDLED / entry.filename
    model = model_class(**arguments)
    if not arguments["include_top"] or arguments["classes"] == entry.classes:
        loader.load(model, path, entry.sha256)
        return model
    backbone = model_class(**{**arguments, "include_top": False})
    loader.load(backbone, path, entry.sha256)
    for layer in backbone.layers:
        model.get_layer(layer.name).set_weights(layer.get_weights())
    warnings.warn(
        f"The pretrained classifier has {entry.classes} classes, "
        f"`classes={arguments['classes']}` were asked for: the backbone is "
        "pretrained, the classifier 'head' is new and random. Train it.",
        stacklevel=4,
    )
    return model


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

    outputs = graph.replay(model, [input_tensor], call)
    for name, copy in copies.items():
        copy.set_weights(model.get_layer(name).get_weights())
    sources = keras.utils.get_source_inputs(input_tensor)
    # Keras compares structures: a list of one wants a list of one in calls.
    inputs = sources[0] if len(sources) == 1 else sources
    return keras.Model(inputs, outputs[0], name=model.name)
