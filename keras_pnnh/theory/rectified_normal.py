"""The rectified normal `max(0, n)`, `n ~ N(0, I)`.

What a ReLU leaves of a normalised signal, and therefore the input of the
coder's pretext task (PNNH, arXiv 2402.08645).
"""

import math

import numpy as np

from keras_pnnh.theory._checks import check_positive_integer

MEAN = 1 / math.sqrt(2 * math.pi)  # 0.3989, per coordinate
VARIANCE = 1 / 2 - 1 / (2 * math.pi)  # 0.3408, per coordinate
SECOND_MOMENT = 1 / 2  # VARIANCE + MEAN**2


def sample(
    shape: int | tuple[int, ...], seed: int | np.random.Generator
) -> np.ndarray:
    """Independent draws of `max(0, n)`, `n ~ N(0, 1)`.

    Args:
        shape: Shape of the result.
        seed: Integer, or a NumPy generator, which is advanced.

    Returns:
        float64 array of shape `shape`, non-negative.

    Example:

    >>> from keras_pnnh import theory
    >>> drawn = theory.sample((1000, 4), seed=0)
    >>> drawn.shape, bool((drawn >= 0).all())
    ((1000, 4), True)
    """
    return np.maximum(np.random.default_rng(seed).standard_normal(shape), 0.0)


def covariance(dimension: int) -> np.ndarray:
    """Covariance of a rectified normal vector: isotropic.

    Args:
        dimension: Number of coordinates, `d`.

    Returns:
        Array of shape `(d, d)`, `VARIANCE` times the identity.

    Raises:
        ValueError: If `dimension` is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> theory.covariance(2).round(3)
    array([[0.341, 0.   ],
           [0.   , 0.341]])
    """
    check_positive_integer("dimension", dimension)
    return VARIANCE * np.eye(dimension)


def second_moment(dimension: int) -> np.ndarray:
    """Matrix `E[x' x]` of a rectified normal row vector `x`.

    Not isotropic: the mean adds `dimension * MEAN**2` to the eigenvalue of
    the direction `(1, ..., 1)`, which is the leading one.

    Args:
        dimension: Number of coordinates, `d`.

    Returns:
        Array of shape `(d, d)`.

    Raises:
        ValueError: If `dimension` is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> theory.second_moment(2).round(3)
    array([[0.5  , 0.159],
           [0.159, 0.5  ]])
    """
    return covariance(dimension) + MEAN**2
