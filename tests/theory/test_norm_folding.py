import itertools

import numpy as np
import pytest

from keras_pnnh.theory.norm_folding import fold_norm


def convolve(x, kernel, strides):
    """Valid convolution of (height, width, cin) images, by definition."""
    kh, kw = kernel.shape[:2]
    rows = range(0, x.shape[0] - kh + 1, strides)
    columns = range(0, x.shape[1] - kw + 1, strides)
    return np.array(
        [
            [
                np.tensordot(x[i : i + kh, j : j + kw], kernel, axes=3)
                for j in columns
            ]
            for i in rows
        ]
    )


@pytest.mark.parametrize(
    "present", tuple(itertools.product((True, False), repeat=3))
)
@pytest.mark.parametrize(
    ("size", "kernel_size", "strides"),
    ((8, 3, 1), (9, 3, 2), (8, 5, 2), (9, 7, 1)),
)
def test_folded_convolution_equals_convolution_and_norm(
    size, kernel_size, strides, present
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(size, size, 3))
    kernel = rng.normal(size=(kernel_size, kernel_size, 3, 4))
    bias, gamma, beta = (
        rng.normal(size=4) if given else None for given in present
    )
    mean, variance = rng.normal(size=4), rng.uniform(0.1, 2, size=4)
    # A large epsilon: forgetting it must not pass.
    y = convolve(x, kernel, strides)
    y = y + (0 if bias is None else bias)
    y = (y - mean) / np.sqrt(variance + 0.1)
    y = y * (1 if gamma is None else gamma) + (0 if beta is None else beta)
    folded = fold_norm(kernel, bias, gamma, beta, mean, variance, 0.1)
    np.testing.assert_allclose(
        convolve(x, folded[0], strides) + folded[1], y, atol=1e-12
    )


def test_golden_dense():
    kernel, bias = fold_norm(
        np.array([[2.0, 4.0]]),
        np.array([1.0, 0.0]),
        np.array([3.0, 1.0]),
        np.array([5.0, 0.0]),
        np.array([2.0, 1.0]),
        np.array([3.0, 0.0]),
        1.0,
    )
    np.testing.assert_array_equal(kernel, [[3, 4]])
    np.testing.assert_array_equal(bias, [3.5, -1])


def test_dtype_is_the_kernels_and_precision_is_not_lost():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 2, 4)).astype("float32")
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4)).astype("float32")
    folded = fold_norm(kernel, None, gamma, beta, mean, variance, 1e-3)
    exact = gamma / np.sqrt(variance.astype("float64") + 1e-3)
    assert folded[0].dtype == folded[1].dtype == "float32"
    np.testing.assert_array_equal(folded[0], (kernel * exact).astype("float32"))
    np.testing.assert_array_equal(
        folded[1], (beta - mean * exact).astype("float32")
    )


def test_a_depthwise_kernel_is_refused():
    ones = np.ones(3)
    with pytest.raises(ValueError, match=r"mean.shape=\(3,\)"):
        fold_norm(np.ones((3, 3, 3, 1)), None, None, None, ones, ones, 0.0)
