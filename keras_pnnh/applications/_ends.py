"""Both ends of every family: what becomes of the pixels, and the head."""

from typing import Any

import keras

# Mean and deviation of RGB, in units of 255, as torchvision and timm do.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def preprocess(
    images: Any, preprocessing: Any, data_format: str, dtype: Any
) -> Any:
    """Pixel values 0 to 255 to what the network is trained on.

    Args:
        images: Keras tensor.
        preprocessing: `"symmetric"`, the range [-1, 1]; `"imagenet"`, mean 0
            and deviation 1 of each channel over the images of ImageNet; or
            `"none"`.
        data_format: Where the channels are.
        dtype: Dtype policy.
    """
    if preprocessing == "none":
        return images
    if preprocessing == "symmetric":
        return keras.layers.Rescaling(
            1 / 127.5, offset=-1.0, dtype=dtype, name="preprocessing"
        )(images)
    # Not `Rescaling`: it takes no offset for each channel if they come first.
    return keras.layers.Normalization(
        axis=1 if data_format == "channels_first" else -1,
        mean=[255 * mean for mean in IMAGENET_MEAN],
        variance=[(255 * deviation) ** 2 for deviation in IMAGENET_DEVIATION],
        dtype=dtype,
        name="preprocessing",
    )(images)


def head(
    x: Any,
    *,
    include_top: bool,
    pooling: Any,
    classes: int,
    classifier_activation: Any,
    data_format: str,
    dtype: Any,
    dropout_rate: float = 0.0,
) -> Any:
    """Pooling and a classifier on a feature map, or what is asked of them."""
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
    return classifier(x, classes, classifier_activation, dtype)


def classifier(
    x: Any, classes: int, classifier_activation: Any, dtype: Any
) -> Any:
    # A softmax in half precision would not sum to 1.
    half = dtype.compute_dtype in ("float16", "bfloat16")
    return keras.layers.Dense(
        classes,
        activation=classifier_activation,
        dtype="float32" if half else dtype,
        name="head",
    )(x)
