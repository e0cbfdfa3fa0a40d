"""A unit on the internal path, followed through the layers.

Layer after layer `x' = max(0, x + g n)`: a random walk that is reflected at
zero. The model rests on these assumptions, each broken in turn in
`tests/theory/test_survival_assumptions.py`:

1. The learner's output is symmetric around 0 (initial weights are, and a
   batch norm on the learner centres what is left).
2. Learners are independent from layer to layer: weights are not shared.
3. The learner has the same scale `g` everywhere: a batch norm on the learner.
   Without a norm it grows with what is carried.
4. The carry is neither centred nor scaled: no norm after the sum.
5. The coder reconstructs perfectly (else see `survival_probability`).

Units need not be independent of each other, and the walk knows nothing of
images: their distribution enters through the first layer alone.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from keras_pnnh.theory._checks import check_positive_integer


class WalkStep(NamedTuple):
    """One layer of the walk.

    Attributes:
        survival: Probability that the unit is positive before the ReLU.
        carry: Regression coefficient of the layer's output on what is
            carried.
        learner: The same, on the learner's output in units of its scale.
        noise: Variance of the output that neither explains: the loss in the
            non-linearity.
        variance: Variance of what is carried into the layer.

    Example:

    >>> from keras_pnnh import theory
    >>> first = theory.walk([1.0])[0]
    >>> bool(0.5 < first.survival < 1)
    True
    """

    survival: float
    carry: float
    learner: float
    noise: float
    variance: float


def survival_of_walk(layers: Any) -> Any:
    """Survival in the n-th layer of a path that starts from zero.

    `1 - binomial(2 n, n) / 4^n`, about `1 - 1 / sqrt(pi n)`: the probability
    that a random walk of `n` equal steps is not at its minimum (Sparre
    Andersen 1953). It depends neither on the scale of the learner nor on its
    distribution, as long as that is symmetric and continuous. Without a path
    it is 1/2 in every layer: this is why networks with a path can go deeper.

    Args:
        layers: Number of layers passed, `n`, or an array of such.

    Returns:
        float64 array (a NumPy scalar for a scalar): 1/2, 5/8, 11/16, ...

    Raises:
        ValueError: If `layers` is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> theory.survival_of_walk([1, 2, 3]).round(4)
    array([0.5   , 0.625 , 0.6875])
    """
    for count in np.ravel(layers):
        check_positive_integer("layers", count)

    def at_zero(count):
        logs = math.lgamma(2 * count + 1) - 2 * math.lgamma(count + 1)
        return math.exp(logs - count * math.log(4))

    return 1 - np.vectorize(at_zero, otypes=[float])(layers)[()]


def walk(
    gains: Any,
    path: bool = True,
    start: float = 1.0,
    samples: int = 1 << 17,
    seed: int = 0,
) -> list[Any]:
    """Follow a unit through layers of given learner scales.

    Args:
        gains: Scale of the learner in each layer, `g`.
        path: Whether anything is carried; False is the plain network.
        start: Scale `s` of the rectified normal `max(0, s n)` that enters.
        samples: Units to draw; the error is about `0.5 / sqrt(samples)`.
        seed: Seed of the draw.

    Returns:
        List of `WalkStep`, one per layer.

    Raises:
        ValueError: If a gain is not positive.

    Example:

    >>> from keras_pnnh import theory
    >>> steps = theory.walk([1.0, 1.0], path=False)
    >>> [round(float(step.survival), 1) for step in steps]
    [0.5, 0.5]
    """
    gains = np.asarray(gains, dtype="float64")
    if not np.all(gains > 0):
        raise ValueError(
            "A learner has a positive scale in every layer. Received: "
            f"gains={gains.tolist()}. Leave layers without a learner out."
        )
    generator = np.random.default_rng(seed)
    unit = start * np.maximum(generator.standard_normal(samples), 0.0)
    steps = []
    for gain in gains:
        carried = unit
        learned = generator.standard_normal(samples)
        total = gain * learned + (carried if path else 0.0)
        unit = np.maximum(total, 0.0)
        variance = carried.var()
        known = path and variance > 0
        carry = _covariance(unit, carried) / variance if known else 0.0
        learner = _covariance(unit, learned)
        noise = unit.var() - carry**2 * variance - learner**2
        steps.append(
            WalkStep(np.mean(total > 0), carry, learner, noise, variance)
        )
    return steps


def _covariance(first, second):
    return np.mean(first * second) - np.mean(first) * np.mean(second)
