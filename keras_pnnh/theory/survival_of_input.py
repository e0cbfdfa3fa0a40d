"""How much of the input a linear read-out still finds after some layers."""

from typing import Any

import numpy as np

from keras_pnnh.theory._checks import check_positive_integer
from keras_pnnh.theory.rectified_normal import VARIANCE

# Squared correlation of a normal `n` with `max(0, n)`: 0.7336, what the
# read-out keeps across one ReLU.
KEPT_BY_RELU = 0.25 / VARIANCE


def plain_preservation(layers: Any) -> Any:
    """R2 of the input after `layers` plain layers with orthogonal weights.

    `KEPT_BY_RELU ** layers`: the read-out undoes every orthogonal map, so
    only the non-linearities lose, the same share each, if what arrives in
    each of them is normal and white. Normal weights lose more, since the
    read-out cannot undo their small singular values.

    Args:
        layers: Number of layers, or an array of such.

    Returns:
        float64 array (a NumPy scalar for a scalar).

    Example:

    >>> from keras_pnnh import theory
    >>> theory.plain_preservation([1, 10]).round(2)
    array([0.73, 0.05])
    """
    return KEPT_BY_RELU ** np.asarray(layers, dtype="float64")


def input_preservation(
    steps: Any, width: int, learner_signal: float = 1.0, seed: int = 0
) -> Any:
    """R2 of the input after each layer of a dense network.

    Every layer is replaced by the linear map with noise that fits it best:
    `x' = carry x + learner W x + noise`, coefficients from `walk`, `W` with
    independent normal entries. The R2 of the best linear read-out of such a
    chain is a matter of algebra.

    Args:
        steps: List of `WalkStep`, see `walk`.
        width: Units of a layer, `d`.
        learner_signal: Share of the learner's variance that is linear in its
            input: 1 for one linear map, `KEPT_BY_RELU` for a branch of two
            with a ReLU between.
        seed: Seed of the weights.

    Returns:
        float64 array, one number in [0, 1] per layer.

    Raises:
        ValueError: If `width` is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> steps = theory.walk([0.3] * 8)
    >>> kept = theory.input_preservation(steps, width=32)
    >>> kept.shape, bool(kept[-1] < kept[0])
    ((8,), True)
    """
    check_positive_integer("width", width)
    generator = np.random.default_rng(seed)
    identity = np.eye(width)
    start = None
    signal, lost = identity, np.zeros((width, width))
    preserved = []
    for step in steps:
        # The first layer's input is the signal: its variance is the unit.
        start = step.variance if start is None else start
        weights = generator.standard_normal((width, width)) / np.sqrt(width)
        scale = np.sqrt(np.trace(_total(signal, lost, start)) / width)
        linear = step.carry * identity + (
            step.learner * np.sqrt(learner_signal) / scale * weights
        )
        noise = step.noise + step.learner**2 * (1 - learner_signal)
        signal = linear @ signal
        lost = linear @ lost @ linear.T + noise * identity
        explained = signal.T @ np.linalg.solve(
            _total(signal, lost, start), signal
        )
        preserved.append(start * np.trace(explained) / width)
    return np.array(preserved)


def _total(signal, lost, variance):
    """Covariance of a layer, for an input of the given variance."""
    return variance * signal @ signal.T + lost
