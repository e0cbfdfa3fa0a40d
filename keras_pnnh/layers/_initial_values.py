"""Random initial values, or none where a checkpoint will replace them."""

import contextlib
import contextvars
from typing import Any

import keras
import numpy as np
from keras import ops

_REPLACED = contextvars.ContextVar("replaced", default=False)


@contextlib.contextmanager
def replaced_later():
    """Kernels of layers that are built inside begin at zero.

    Random numbers would be overwritten, and JAX compiles a generator for
    every shape.
    """
    token = _REPLACED.set(True)
    try:
        yield
    finally:
        _REPLACED.reset(token)


def he_values(scale: float = 1.0) -> Any:
    """Normal values of variance `2 scale / fan-in`, for a kernel.

    Like He et al. 2015, arXiv 1502.01852, we do not truncate the normal; on
    torch truncation needs four times as many draws.
    """
    return kernel_values(
        keras.initializers.VarianceScaling(
            2.0 * scale, distribution="untruncated_normal"
        )
    )


def kernel_values(initializer: str) -> Any:
    """`initializer`, or zeros inside `replaced_later`."""
    return _zeros if _REPLACED.get() else initializer


def _zeros(shape, dtype=None):
    # From NumPy: for `ops.zeros` JAX would compile, too.
    return ops.convert_to_tensor(np.zeros(shape, "float32"), dtype)
