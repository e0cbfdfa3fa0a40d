"""Mean and variance of the activations of a layer."""

from typing import Any

import numpy as np


def activation_mean(activations: Any) -> float:
    """Mean over images, positions and channels.

    Args:
        activations: Array `(images, ..., channels)`.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import activation_mean
    >>> activation_mean(np.array([[1.0, 3.0], [2.0, 2.0]]))
    2.0
    """
    return float(np.mean(activations, dtype="float64"))


def activation_variance(activations: Any) -> float:
    """Variance over images, positions and channels, around their one mean.

    Args:
        activations: Array `(images, ..., channels)`.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import activation_variance
    >>> activation_variance(np.array([[1.0, 3.0], [2.0, 2.0]]))
    0.5
    """
    return float(np.var(activations, dtype="float64"))
