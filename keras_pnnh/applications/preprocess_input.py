"""What to do to images before a model sees them: as a rule, nothing."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.applications import _checks, _ends
from keras_pnnh.applications._checks import DataFormat, Preprocessing
from keras_pnnh.layers._checks import resolve_data_format


def preprocess_input(
    images: Any,
    data_format: DataFormat | None = None,
    *,
    preprocessing: Preprocessing | None = None,
) -> Any:
    """Prepare images for a model; never changes what it is given.

    The models take RGB from 0 to 255 and normalise inside, so there is
    nothing to do: without `preprocessing` the images come back as they are,
    and code that was written for `keras.applications` works. A model built
    with `preprocessing="none"` leaves the work to its caller: pass the
    `preprocessing` that its weights ask for.

    Args:
        images: Array or tensor `(images, height, width, channels)` or of a
            single image, RGB from 0 to 255.
        data_format: Where the channels are; Keras's setting by default.
        preprocessing: None, or as the models' argument: `"symmetric"` for the
            range [-1, 1], `"imagenet"` for the mean and the deviation of
            ImageNet's channels, `"none"` for nothing.

    Returns:
        `images` itself, or float32 values of the same kind.

    Raises:
        ValueError: For another `preprocessing` or a shape that does not fit.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.applications import preprocess_input
    >>> white = np.full((1, 2, 2, 3), 255.0)
    >>> float(preprocess_input(white, preprocessing="symmetric").max())
    1.0
    """
    if preprocessing in (None, "none"):
        return images
    data_format = resolve_data_format(data_format)
    shape = tuple(images.shape)
    if len(shape) not in (3, 4):
        raise ValueError(
            "`images` must have 4 axes, or 3 for a single image. "
            f"Received: images of shape {shape}."
        )
    _checks.check_preprocessing(preprocessing, shape[-3:], data_format)
    batch = images[None] if len(shape) == 3 else images
    outputs = _ends.preprocess(batch, preprocessing, data_format, "float32")
    outputs = outputs[0] if len(shape) == 3 else outputs
    if isinstance(images, np.ndarray):
        return keras.ops.convert_to_numpy(outputs)
    return outputs
