"""Images in the data format of a model."""

from typing import Any

import keras
import numpy as np


def as_data_format(images: Any, data_format: str) -> Any:
    """Channels-last images in the data format of the model."""
    if data_format == "channels_first":
        return np.moveaxis(images, -1, 1)
    return images


def input_shape(height: Any, width: int, channels: int = 3) -> Any:
    """Shape of one image in Keras's default data format."""
    if keras.config.image_data_format() == "channels_first":
        return (channels, height, width)
    return (height, width, channels)


def data_format_of(model: keras.Model, channels: int = 3) -> str:
    """The data format that a model takes images in, whatever made it.

    The shape of its input tells, or else its first layer that has a data
    format: after `fold`, say, it is no application any more.

    Args:
        model: A model of one input.
        channels: Of the images.

    Example:

    >>> import keras
    >>> from keras_pnnh.data_format import data_format_of
    >>> images = keras.Input((3, 8, 8))
    >>> flat = keras.layers.Flatten()(images)
    >>> data_format_of(keras.Model(images, keras.layers.Dense(2)(flat)))
    'channels_first'
    """
    shape = getattr(model, "input_shape", None)
    if isinstance(shape, tuple) and len(shape) == 4:
        last, first = (shape[axis] in (None, channels) for axis in (-1, 1))
        if last != first:
            return "channels_last" if last else "channels_first"
    for layer in _layers(model):
        if getattr(layer, "data_format", None):
            return layer.data_format
    return "channels_last"


def _layers(model):
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)
