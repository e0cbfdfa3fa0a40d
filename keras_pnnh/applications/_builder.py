"""What all applications share: input checks, preprocessing, head."""

import keras

POOLING = (None, "avg", "max")
PREPROCESSINGS = ("symmetric", "imagenet")

# Of the RGB channels, in units of 255, as torchvision and timm use them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


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


def check_head(include_top, pooling, classes, dropout_rate=0.0):
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
    if not 0 <= dropout_rate < 1:
        raise ValueError(
            "`dropout_rate` must be at least 0 and less than 1. "
            f"Received: dropout_rate={dropout_rate!r}."
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


def check_preprocessing(kind, input_shape, data_format):
    check_choice("preprocessing", kind, PREPROCESSINGS)
    channels = input_shape[0 if data_format == "channels_first" else -1]
    if kind == "imagenet" and channels != 3:
        raise ValueError(
            "`preprocessing='imagenet'` is defined for RGB images. Received: "
            f"input_shape={tuple(input_shape)} with {channels} channel(s). "
            "Give the images 3 channels or take `preprocessing='symmetric'`."
        )


def preprocessing(dtype, kind="symmetric", data_format="channels_last"):
    """Pixel values 0 to 255 to what the network was trained on.

    Args:
        dtype: Dtype policy.
        kind: `"symmetric"`, the range [-1, 1], or `"imagenet"`, mean 0 and
            deviation 1 of each channel over the images of ImageNet.
        data_format: Where the channels are.
    """
    if kind == "symmetric":
        return keras.layers.Rescaling(
            1 / 127.5, offset=-1.0, dtype=dtype, name="preprocessing"
        )
    # Not `Rescaling`: it takes no offset for each channel if they come first.
    return keras.layers.Normalization(
        axis=1 if data_format == "channels_first" else -1,
        mean=[255 * mean for mean in IMAGENET_MEAN],
        variance=[(255 * deviation) ** 2 for deviation in IMAGENET_DEVIATION],
        dtype=dtype,
        name="preprocessing",
    )


def head(
    x,
    *,
    include_top,
    pooling,
    classes,
    activation,
    data_format,
    dtype,
    dropout_rate=0.0,
):
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
    if dropout_rate:
        x = keras.layers.Dropout(dropout_rate, dtype=dtype, name="dropout")(x)
    return classifier(x, classes, activation, dtype)


def classifier(x, classes, activation, dtype):
    # A softmax in half precision would not sum to 1.
    half = dtype.compute_dtype in ("float16", "bfloat16")
    return keras.layers.Dense(
        classes,
        activation=activation,
        dtype="float32" if half else dtype,
        name="head",
    )(x)
