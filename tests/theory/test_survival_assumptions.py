"""Theory beside simulated dense networks; every assumption, broken."""

import numpy as np
import pytest

from keras_pnnh.theory import (
    input_preservation,
    plain_preservation,
    rectified_normal,
    survival_of_walk,
    walk,
)

WIDTH, IMAGES, DEPTH, GAIN = 64, 8000, 12, 0.3


def simulate(learner, path=True, depth=DEPTH, norm_after_sum=False):
    """Survival per layer and R2 of the input in the last one.

    Args:
        learner: Function `(x, layer, generator) -> learner's output`.
        path: Whether `x` is carried.
        depth: Number of layers.
        norm_after_sum: Whether the sum is centred and scaled.
    """
    generator = np.random.default_rng(1)
    start = x = rectified_normal.sample((IMAGES, WIDTH), generator)
    survival = []
    for layer in range(depth):
        total = learner(x, layer, generator) + (x if path else 0.0)
        if norm_after_sum:
            total = normalized(total)
        survival.append(np.mean(total > 0))
        x = np.maximum(total, 0.0)
    return np.array(survival), read_out(x, start)


def normalized(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def normal_weights(x, layer, generator):
    return GAIN * normalized(x @ generator.standard_normal((WIDTH, WIDTH)))


def orthogonal_weights(x, layer, generator):
    matrix = generator.standard_normal((WIDTH, WIDTH))
    return normalized(x @ np.linalg.qr(matrix)[0])


def read_out(features, targets):
    half = IMAGES // 2
    x, y = (array - array[:half].mean(axis=0) for array in (features, targets))
    weights = np.linalg.lstsq(x[:half], y[:half], rcond=None)[0]
    errors = y[half:] - x[half:] @ weights
    return 1 - np.mean(errors**2) / np.mean(y[half:] ** 2)


def predicted(path=True, gain=GAIN):
    return np.array([step.survival for step in walk([gain] * DEPTH, path)])


def test_survival_where_the_assumptions_hold():
    survival, _ = simulate(normal_weights)
    np.testing.assert_allclose(survival, predicted(), atol=1e-2)
    survival, _ = simulate(normal_weights, path=False)
    np.testing.assert_allclose(survival, 0.5, atol=1e-2)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_plain_preservation_where_the_assumptions_hold(depth):
    _, preserved = simulate(orthogonal_weights, path=False, depth=depth)
    assert preserved == pytest.approx(plain_preservation(depth), abs=1e-2)


@pytest.mark.parametrize(("path", "gain"), [(True, GAIN), (False, 1.0)])
def test_preservation_with_normal_weights(path, gain):
    """The linear stand-in ignores that a ReLU treats signs differently."""
    for depth in (1, 4, DEPTH):
        _, preserved = simulate(normal_weights, path, depth)
        steps = walk([gain] * depth, path)
        expected = input_preservation(steps, WIDTH)[-1]
        assert preserved == pytest.approx(expected, abs=0.06)


def test_a_path_preserves_what_a_plain_network_loses():
    kept = input_preservation(walk([GAIN] * 56), WIDTH)
    lost = input_preservation(walk([1.0] * 56, path=False), WIDTH)
    assert kept[-1] > 0.1
    assert lost[-1] < 1e-3
    assert np.all(np.diff(kept) < 0)


def test_broken_learners_that_are_not_symmetric():
    """A shift against the path; the same walk, drawn downwards."""

    def shifted(x, layer, generator):
        return normal_weights(x, layer, generator) - 0.5 * GAIN

    survival, _ = simulate(shifted)
    assert np.all(survival < predicted() - 0.02)


def test_broken_learners_that_share_their_weights():
    weights = np.random.default_rng(2).standard_normal((WIDTH, WIDTH))

    def shared(x, layer, generator):
        return GAIN * normalized(x @ weights)

    survival, _ = simulate(shared)
    assert np.abs(survival - predicted()).max() > 0.02


def test_broken_learners_without_a_norm():
    """He's weights see the mean of what is carried: noise that grows."""

    def without_norm(x, layer, generator):
        weights = generator.standard_normal((WIDTH, WIDTH))
        return x @ weights * np.sqrt(2 / WIDTH)

    survival, _ = simulate(without_norm)
    expected = survival_of_walk(np.arange(2, DEPTH + 2))
    assert survival[3:].mean() < expected[3:].mean() - 0.05


def test_broken_by_a_norm_after_the_sum():
    survival, _ = simulate(normal_weights, norm_after_sum=True)
    assert np.all(survival < 0.6)
    assert np.all(predicted()[1:] > 0.7)


def test_broken_coders():
    """A rotation in the place of the identity carries as much, and loses."""
    generator = np.random.default_rng(3)
    rotation = np.linalg.qr(generator.standard_normal((WIDTH, WIDTH)))[0]

    def rotating(x, layer, generator):
        return normal_weights(x, layer, generator) + x @ rotation - x

    survival, _ = simulate(rotating)
    assert np.all(survival[1:] < predicted()[1:] - 0.1)


def test_broken_input_distributions():
    """Inputs without zeros survive the first layers better, not later."""

    def lifted(x, layer, generator):
        return normal_weights(x, layer, generator) + (layer == 0) * 1.0

    survival, _ = simulate(lifted)
    assert survival[0] > predicted()[0] + 0.1
