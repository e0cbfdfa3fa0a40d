"""Images in the data format of a model."""

import keras
import numpy as np


def as_data_format(images, data_format):
    """Channels-last images in the data format of the model."""
    if data_format == "channels_first":
        return np.moveaxis(images, -1, 1)
    return images


def input_shape(height, width, channels=3):
    """Shape of one image in Keras's default data format."""
    if keras.config.image_data_format() == "channels_first":
        return (channels, height, width)
    return (height, width, channels)
