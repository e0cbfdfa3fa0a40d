import numpy as np
import pytest

from keras_pnnh.theory import rectified_normal


def test_golden_moments():
    np.testing.assert_allclose(rectified_normal.MEAN, 0.3989422804, rtol=1e-9)
    np.testing.assert_allclose(
        rectified_normal.VARIANCE, 0.3408450569, rtol=1e-9
    )
    np.testing.assert_allclose(
        rectified_normal.SECOND_MOMENT,
        rectified_normal.VARIANCE + rectified_normal.MEAN**2,
    )


def test_matrices_match_samples():
    x = rectified_normal.sample((400_000, 3), seed=0)
    # Standard errors are below 0.002.
    np.testing.assert_allclose(x.mean(axis=0), rectified_normal.MEAN, atol=6e-3)
    np.testing.assert_allclose(
        np.cov(x.T), rectified_normal.covariance(3), atol=6e-3
    )
    np.testing.assert_allclose(
        x.T @ x / len(x), rectified_normal.second_moment(3), atol=6e-3
    )


def test_the_mean_is_the_leading_direction():
    values, vectors = np.linalg.eigh(rectified_normal.second_moment(5))
    np.testing.assert_allclose(values[:4], rectified_normal.VARIANCE)
    np.testing.assert_allclose(np.abs(vectors[:, 4]), 1 / np.sqrt(5))


def test_samples_are_rectified_and_follow_the_seed():
    x = rectified_normal.sample(10_000, seed=1)
    assert x.min() == 0
    assert 0.47 < np.mean(x == 0) < 0.53
    np.testing.assert_array_equal(x, rectified_normal.sample(10_000, seed=1))
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(x, rectified_normal.sample(10_000, generator))
    assert np.any(x != rectified_normal.sample(10_000, generator))


@pytest.mark.parametrize("dimension", (0, -1, 2.0, True))
def test_a_dimension_is_a_positive_integer(dimension):
    with pytest.raises(ValueError, match="Received: dimension="):
        rectified_normal.second_moment(dimension)
