"""What to do to images before a model sees them: as a rule, nothing."""

import keras
import numpy as np

from keras_pnnh.applications import _builder
from keras_pnnh.layers._checks import resolve_data_format


def preprocess_input(images, data_format=None, *, preprocessing=None):
    """Prepare images for a model; never changes what it is given.

    The models take RGB from 0 to 255 and normalise inside, so there is
    nothing to do: without `preprocessing` the images come back as they are,
    and code that was written for `keras.applications` works. A model built
    with `include_preprocessing=False` leaves the work to its caller: pass the
    `preprocessing` that its weights ask for.

    Args:
        images: Array or tensor `(images, height, width, channels)` or of a
            single image, RGB from 0 to 255.
        data_format: Where the channels are; Keras's setting by default.
        preprocessing: None, or as the models' argument: `"symmetric"` for the
            range [-1, 1], `"imagenet"` for the mean and the deviation of
            ImageNet's channels.

    Returns:
        `images` itself, or float32 values of the same kind.

    Raises:
        ValueError: For another `preprocessing` or a shape that does not fit.
    """
    if preprocessing is None:
        return images
    data_format = resolve_data_format(data_format)
    shape = tuple(images.shape)
    if len(shape) not in (3, 4):
        raise ValueError(
            "`images` must have 4 axes, or 3 for a single image. "
            f"Received: images of shape {shape}."
        )
    _builder.check_preprocessing(preprocessing, shape[-3:], data_format)
    layer = _builder.preprocessing("float32", preprocessing, data_format)
    batch = images[None] if len(shape) == 3 else images
    outputs = layer(batch)
    outputs = outputs[0] if len(shape) == 3 else outputs
    if isinstance(images, np.ndarray):
        return keras.ops.convert_to_numpy(outputs)
    return outputs
