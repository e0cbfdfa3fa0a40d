"""Theory beside simulated dense networks; every assumption, broken."""

import numpy as np
import pytest

from keras_pnnh.theory import (
    input_preservation,
    plain_preservation,
    survival_of_walk,
    survival_simulation,
    walk,
)
from keras_pnnh.theory.survival_simulation import simulate

GAIN = 0.3
DEPTH = 12
LEARNER = survival_simulation.normal_learner(GAIN)


def predicted(path=True):
    return np.array([step.survival for step in walk([GAIN] * DEPTH, path)])


def test_survival_where_the_assumptions_hold():
    survival, _ = simulate(LEARNER)
    np.testing.assert_allclose(survival, predicted(), atol=1e-2)
    survival, _ = simulate(LEARNER, path=False)
    np.testing.assert_allclose(survival, 0.5, atol=1e-2)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_plain_preservation_where_the_assumptions_hold(depth):
    learner = survival_simulation.orthogonal_learner(1.0)
    _, preserved = simulate(learner, path=False, depth=depth)
    assert preserved == pytest.approx(plain_preservation(depth), abs=1e-2)


@pytest.mark.parametrize("path", [True, False])
@pytest.mark.parametrize("depth", [1, 4, DEPTH])
def test_preservation_with_normal_weights(path, depth):
    """The linear stand-in ignores that a ReLU treats signs differently."""
    _, preserved = simulate(LEARNER, path, depth)
    expected = input_preservation(walk([GAIN] * depth, path), width=64)[-1]
    assert preserved == pytest.approx(expected, abs=0.06)


def test_a_path_preserves_what_a_plain_network_loses():
    kept = input_preservation(walk([GAIN] * 56), width=64)
    lost = input_preservation(walk([1.0] * 56, path=False), width=64)
    assert kept[-1] > 0.1
    assert lost[-1] < 1e-3
    assert np.all(np.diff(kept) < 0)


def test_broken_learners_that_are_not_symmetric():
    learner = survival_simulation.shifted_learner(GAIN, -0.5)
    survival, _ = simulate(learner)
    assert np.all(survival < predicted() - 0.02)


def test_broken_learners_that_share_their_weights():
    survival, _ = simulate(survival_simulation.shared_learner(GAIN))
    assert np.abs(survival - predicted()).max() > 0.02


def test_broken_learners_without_a_norm():
    """They see the mean of what is carried: noise that grows."""
    survival, _ = simulate(survival_simulation.unnormalized_learner(1.0))
    expected = survival_of_walk(np.arange(2, DEPTH + 2))
    assert survival[3:].mean() < expected[3:].mean() - 0.05


def test_broken_by_a_norm_after_the_sum():
    survival, _ = simulate(LEARNER, norm_after_sum=True)
    assert np.all(survival < 0.6)
    assert np.all(predicted()[1:] > 0.7)


def test_broken_coders():
    """They carry as much and lose it at the ReLU."""
    survival, _ = simulate(survival_simulation.rotating_coder(GAIN))
    assert np.all(survival[1:] < predicted()[1:] - 0.1)


def test_broken_input_distributions():
    """Inputs without zeros survive the first layer more often."""
    (step,) = walk([GAIN])
    start = np.abs(np.random.default_rng(0).standard_normal(1 << 16))
    noise = GAIN * np.random.default_rng(1).standard_normal(1 << 16)
    assert np.mean(start + noise > 0) > step.survival + 0.1


def test_size_does_not_matter():
    """Width enters through the accuracy of the average only."""
    for width in (16, 256):
        survival, _ = simulate(LEARNER, width=width, images=2000)
        assert np.mean(survival - predicted()) == pytest.approx(0, abs=0.02)
