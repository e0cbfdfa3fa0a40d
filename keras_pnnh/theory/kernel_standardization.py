"""A learner whose kernel is normalised in place of its output.

Scaled weight standardisation (Brock et al. 2021, arXiv 2101.08692, section
4): every filter has mean zero and a norm that its gain decides. With the
coder beside it, `K = C + g L / |L|` is one kernel in training, too
(reconstruction).
"""

import math

import numpy as np

from keras_pnnh.theory import rectified_normal

# Gain at which independent rectified unit normals give unit variance.
RECTIFIED_GAIN = 1 / math.sqrt(rectified_normal.VARIANCE)  # 1.7130
EPSILON = 1e-5


def standardize_kernel(kernel: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The kernel with mean zero and norm `gain` in every filter.

    Args:
        kernel: Shape `(..., cout)`.
        gain: Norm of each filter, shape `(cout,)`.

    Returns:
        Array of the kernel's shape. `EPSILON` is added to the variance that
        each filter is divided by.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> kernel = np.arange(4.0)[:, None]
    >>> kernel = theory.standardize_kernel(kernel, np.array([2.0]))
    >>> round(float(np.linalg.norm(kernel)), 3)
    2.0
    """
    axes = tuple(range(kernel.ndim - 1))
    fan_in = math.prod(kernel.shape[:-1])
    centred = kernel - kernel.mean(axes)
    variance = np.square(centred).mean(axes)
    return centred * (gain / np.sqrt(fan_in * (variance + EPSILON)))
