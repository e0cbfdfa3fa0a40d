"""The paper's lower bound on surviving neurons, beside the exact share.

PNNH (arXiv 2402.08645) bounds the share of positive units from below by the
one-sided Chebyshev inequality (Cantelli): what a layer answers has a mean and
a variance, whatever its distribution. The theorem is known to us from reviews;
the formula of `paper_bound` is our completion of it.
"""

import math

import numpy as np


def cantelli_bound(
    mean: np.ndarray | float, variance: np.ndarray | float
) -> np.ndarray:
    """Least share of positive values, from a mean and a variance alone.

    `P(y > 0) >= m^2 / (m^2 + v)` for a mean `m > 0`; nothing is known for
    `m <= 0`.

    Args:
        mean: Mean of the values; arrays broadcast against `variance`.
        variance: Their variance.

    Returns:
        float64 array (a NumPy scalar for scalars) in [0, 1].

    Raises:
        ValueError: If a variance is negative or not a number.

    Example:

    >>> from keras_pnnh.theory import cantelli_bound
    >>> float(cantelli_bound(1.0, 3.0)), float(cantelli_bound(0.0, 2.0))
    (0.25, 0.0)
    """
    if not np.all(np.asarray(variance) >= 0):
        raise ValueError(
            "A variance must not be negative or NaN. Received: "
            f"variance={variance}."
        )
    square = np.square(np.maximum(np.asarray(mean, "float64"), 0.0))
    total = square + variance
    # A constant of zero is not positive.
    return np.divide(square, total, out=np.zeros_like(total), where=total > 0)


def paper_bound(
    mean: np.ndarray | float, variance: np.ndarray | float, path: bool = True
) -> np.ndarray:
    """The paper's bound for one layer of He's random weights.

    By its theorem the answer of a layer with a residual connection has the
    mean of the input and three times its variance, that of a plain layer the
    mean 0 and twice the variance: the bound is then 0.

    Args:
        mean: Mean of the input.
        variance: Variance of the input.
        path: Whether the input is added to the learner.

    Example:

    >>> from keras_pnnh.theory import paper_bound
    >>> float(paper_bound(0.4, 0.34).round(3))
    0.136
    >>> float(paper_bound(0.4, 0.34, path=False))
    0.0
    """
    if not path:
        return cantelli_bound(0.0 * np.asarray(mean), variance)
    return cantelli_bound(mean, 3 * np.asarray(variance, "float64"))


def rectified_survival(learner_scale: np.ndarray | float) -> np.ndarray:
    """Share of positive units `x + g n` for a rectified normal `x`.

    Exact, for `x = max(0, n')` and independent unit normals: half of the
    units hold a positive `x` and survive with the probability of
    `survival_probability`, the others are a matter of the learner alone.

    Args:
        learner_scale: `g`, the scale of the learner's answer.

    Returns:
        float64 array in [1/2, 1].

    Example:

    >>> from keras_pnnh.theory import rectified_survival
    >>> float(rectified_survival(1.0))
    0.625
    """
    active = 0.5 + np.arctan2(1.0, learner_scale) / math.pi
    return 0.5 * active + 0.25
