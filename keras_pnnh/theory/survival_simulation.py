"""Dense networks at random: what the theory of survival is compared with."""

from typing import Any

import numpy as np

from keras_pnnh.theory import rectified_normal


def simulate(
    learner: Any,
    path: bool = True,
    depth: int = 12,
    norm_after_sum: bool = False,
    width: int = 64,
    images: int = 8000,
    seed: int = 1,
) -> Any:
    """Send a rectified normal through layers `max(0, learner(x) + x)`.

    Args:
        learner: Function `(x, generator) -> learner's output`, called once a
            layer with `x` of shape `(images, width)`.
        path: Whether `x` is added.
        depth: Number of layers.
        norm_after_sum: Whether the sum is centred and scaled.
        width: Units of a layer.
        images: Inputs; half of them are for the fit of the read-out.
        seed: Seed of inputs and weights.

    Returns:
        Survival in each layer, float64 array, and the R2 of a linear read-out
        of the input from the last one.
    """
    generator = np.random.default_rng(seed)
    start = x = rectified_normal.sample((images, width), generator)
    survival = []
    for _ in range(depth):
        total = learner(x, generator) + (x if path else 0.0)
        if norm_after_sum:
            total = normalized(total)
        survival.append(np.mean(total > 0))
        x = np.maximum(total, 0.0)
    return np.array(survival), _read_out(x, start)


def normalized(x: Any) -> Any:
    """Mean 0 and variance 1 in every unit, over the images."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def normal_learner(gain: float) -> Any:
    """Independent normal weights and a norm of scale `gain`: the theory's."""

    def learner(x, generator):
        weights = generator.standard_normal((x.shape[1], x.shape[1]))
        return gain * normalized(x @ weights)

    return learner


def orthogonal_learner(gain: float) -> Any:
    """The same with orthogonal weights."""

    def learner(x, generator):
        weights = generator.standard_normal((x.shape[1], x.shape[1]))
        return gain * normalized(x @ np.linalg.qr(weights)[0])

    return learner


def shifted_learner(gain: float, shift: Any) -> Any:
    """Not symmetric: every unit is moved by `shift` times the gain."""
    symmetric = normal_learner(gain)
    return lambda x, generator: symmetric(x, generator) + shift * gain


def shared_learner(gain: float, width: int = 64) -> Any:
    """The same weights in all layers."""
    weights = np.random.default_rng(2).standard_normal((width, width))
    return lambda x, generator: gain * normalized(x @ weights)


def unnormalized_learner(gain: float) -> Any:
    """He's weights times `gain`, and no norm."""

    def learner(x, generator):
        weights = generator.standard_normal((x.shape[1], x.shape[1]))
        return gain * x @ weights * np.sqrt(2 / x.shape[1])

    return learner


def rotating_coder(gain: float, width: int = 64) -> Any:
    """A random rotation carried in the place of the identity."""
    matrix = np.random.default_rng(3).standard_normal((width, width))
    rotation = np.linalg.qr(matrix)[0]
    symmetric = normal_learner(gain)
    return lambda x, generator: symmetric(x, generator) + x @ rotation - x


def _read_out(features, targets):
    half = len(features) // 2
    x, y = (array - array[:half].mean(axis=0) for array in (features, targets))
    weights = np.linalg.lstsq(x[:half], y[:half], rcond=None)[0]
    errors = y[half:] - x[half:] @ weights
    return 1 - np.mean(errors**2) / np.mean(y[half:] ** 2)
