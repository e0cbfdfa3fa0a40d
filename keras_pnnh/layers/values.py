"""Variables as NumPy arrays, precise enough to fold several of them."""

from typing import Any

import numpy as np
from keras import ops

from keras_pnnh import theory


def numbers(variable: Any) -> np.ndarray:
    """The value of a variable, in float64."""
    # Not `np.asarray(variable)`, which on torch warns with NumPy 2.
    value = ops.convert_to_numpy(ops.convert_to_tensor(variable))
    return value.astype("float64")


def fold_batch_norm(kernel: Any, bias: Any, norm: Any) -> Any:
    """Kernel and bias with a `BatchNormalization` after them."""
    return theory.fold_norm(
        kernel,
        bias,
        numbers(norm.gamma) if norm.scale else None,
        numbers(norm.beta) if norm.center else None,
        numbers(norm.moving_mean),
        numbers(norm.moving_variance),
        norm.epsilon,
    )


def draw_batch_norm(outputs: Any, norm: Any) -> Any:
    """Draws `(channels, draws)` after a norm that uses their statistics."""
    return theory.normalize_draws(
        outputs,
        norm.epsilon,
        numbers(norm.gamma) if norm.scale else None,
        numbers(norm.beta) if norm.center else None,
    )
