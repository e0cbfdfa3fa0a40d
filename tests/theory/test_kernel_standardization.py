import numpy as np
import pytest

from keras_pnnh import theory


def test_by_hand():
    kernel = np.array([[1.0, 5.0], [3.0, 5.0]])  # (cin, cout)
    done = theory.standardize_kernel(kernel, np.array([2.0, 1.0]))
    # First filter: (-1, 1) over its norm sqrt(2), times 2. Second: constant.
    np.testing.assert_allclose(done[:, 0], [-(2**0.5), 2**0.5], rtol=1e-4)
    np.testing.assert_array_equal(done[:, 1], 0.0)


def test_mean_zero_and_norm_of_the_gain():
    kernel = np.random.default_rng(0).normal(3.0, 2.0, (3, 3, 8, 5))
    gain = np.arange(1.0, 6.0)
    done = theory.standardize_kernel(kernel, gain)
    np.testing.assert_allclose(done.mean((0, 1, 2)), 0.0, atol=1e-12)
    norms = np.sqrt(np.square(done).sum((0, 1, 2)))
    np.testing.assert_allclose(norms, gain, rtol=1e-5)
    # Neither scale nor offset of the kernel counts.
    again = theory.standardize_kernel(7 * kernel + 2, gain)
    np.testing.assert_allclose(again, done, rtol=1e-5, atol=1e-9)


def test_gain_makes_rectified_normals_normal_again():
    inputs = theory.sample((4096, 64), 0)
    kernel = np.random.default_rng(1).standard_normal((64, 32))
    gain = np.full(32, theory.RECTIFIED_GAIN)
    outputs = inputs @ theory.standardize_kernel(kernel, gain)
    assert outputs.var(0).mean() == pytest.approx(1.0, rel=0.02)
    assert outputs.mean() == pytest.approx(0.0, abs=0.02)
