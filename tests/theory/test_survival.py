import numpy as np
import pytest

from keras_pnnh.theory.survival import survival_probability


@pytest.mark.parametrize(
    ("scales", "expected"),
    (
        ((0.0, 1.0), 1 / 2),
        ((0.0, 0.0), 1 / 2),
        ((2.0, 2.0), 3 / 4),
        ((np.sqrt(3), 1.0), 5 / 6),
        ((5.0, 3.0, 4.0), 3 / 4),
        ((1.0, 0.0), 1.0),
    ),
)
def test_golden_values(scales, expected):
    np.testing.assert_allclose(survival_probability(*scales), expected)


def test_arrays_broadcast():
    probability = survival_probability(np.array([0, 1]), np.ones((3, 1)))
    np.testing.assert_allclose(probability, [[0.5, 0.75]] * 3)


@pytest.mark.parametrize(
    "scales", ((1.0, 1.0, 0.0), (0.3, 1.0, 0.5), (2.0, 0.5, 0.2))
)
def test_prediction_matches_samples(scales):
    signal, learner, error = np.random.default_rng(0).standard_normal(
        (3, 1_000_000)
    ) * np.reshape(scales, (3, 1))
    survived = np.mean(np.abs(signal) + learner + error > 0)
    # Four standard errors.
    np.testing.assert_allclose(
        survival_probability(*scales), survived, atol=2e-3
    )


@pytest.mark.parametrize(
    "scales", ((-1.0, 1.0), (1.0, np.array([1.0, -0.1])), (1.0, 1.0, np.nan))
)
def test_scales_are_not_negative(scales):
    with pytest.raises(ValueError, match="Received: .*_scale="):
        survival_probability(*scales)
