"""Mean and variance of the activations of a layer."""

from typing import Any

import numpy as np


def activation_mean(activations: Any) -> float:
    """Mean over images, positions and channels.

    Args:
        activations: Array `(images, ..., channels)`.
    """
    return float(np.mean(activations, dtype="float64"))


def activation_variance(activations: Any) -> float:
    """Variance over images, positions and channels, around their one mean.

    Args:
        activations: Array `(images, ..., channels)`.
    """
    return float(np.var(activations, dtype="float64"))
