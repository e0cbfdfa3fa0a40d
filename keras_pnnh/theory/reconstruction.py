"""How well a coder can do on its pretext task.

The task (PNNH, arXiv 2402.08645): reconstruct `x = max(0, n)`, `n ~ N(0, I)`
of `d` coordinates from a code of `r` units. Row vectors throughout:
`phi(x @ encoder) @ decoder`, no biases. The bounds are a reconstruction.
"""

import numpy as np

from keras_pnnh.theory import rectified_normal
from keras_pnnh.theory._checks import check_positive_integer


def explained_variance_bound(dimension: int, code_width: int) -> float:
    """Largest share of the variance that any coder can explain.

    It holds for every encoder and every non-linearity: the decoder is linear,
    so all its outputs lie in a subspace of dimension `code_width`. The best
    such subspace is spanned by the leading eigenvectors of the second-moment
    matrix. The first of them is the mean's direction; along all directions
    at right angles to it the variance is the same.

    The share is of the variance around the mean, `1 - error / VARIANCE`, and
    not of the second moment, most of which the mean alone can make up.

    Args:
        dimension: Number of coordinates, `d`.
        code_width: Number of units of the code, `r`.

    Returns:
        `min(r / d, 1)`.

    Raises:
        ValueError: If an argument is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> theory.explained_variance_bound(64, 16)
    0.25
    """
    check_positive_integer("dimension", dimension)
    check_positive_integer("code_width", code_width)
    return min(code_width / dimension, 1.0)


def reconstruction_error_bound(dimension: int, code_width: int) -> float:
    """Smallest mean squared error per coordinate of any coder.

    The counterpart of `explained_variance_bound`; attained by
    `averaging_coder` for `r < d` and by `identity_coder` for `r >= d`.

    Args:
        dimension: Number of coordinates, `d`.
        code_width: Number of units of the code, `r`.

    Returns:
        `(d - r) / d * VARIANCE`, or 0 for `r >= d`.

    Raises:
        ValueError: If an argument is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> round(theory.reconstruction_error_bound(64, 16), 3)
    0.256
    """
    unexplained = 1 - explained_variance_bound(dimension, code_width)
    return unexplained * rectified_normal.VARIANCE


def linear_reconstruction_error(
    encoder: np.ndarray, decoder: np.ndarray
) -> float:
    """Exact mean squared error per coordinate of `x @ encoder @ decoder`.

    It is also the error under a ReLU if no code is ever negative, as with an
    encoder of non-negative weights.

    Args:
        encoder: Shape `(d, r)`.
        decoder: Shape `(r, d)`.

    Returns:
        The expectation over the rectified normal, not an estimate.

    Raises:
        ValueError: If the shapes are not `(d, r)` and `(r, d)`.

    Example:

    >>> from keras_pnnh import theory
    >>> coder = theory.averaging_coder(4, 1)
    >>> round(theory.linear_reconstruction_error(*coder), 3)
    0.256
    """
    if encoder.ndim != 2 or decoder.shape != encoder.shape[::-1]:
        raise ValueError(
            "`encoder` and `decoder` must have shapes (d, r) and (r, d). "
            f"Received: encoder.shape={encoder.shape}, "
            f"decoder.shape={decoder.shape}. Row vectors are multiplied from "
            "the left; transpose matrices made for column vectors."
        )
    dimension = encoder.shape[0]
    # float64: the error of a good coder is a small difference.
    residual = np.eye(dimension) - encoder.astype("float64") @ decoder
    moment = rectified_normal.second_moment(dimension)
    return float(np.sum(residual * (moment @ residual)) / dimension)
