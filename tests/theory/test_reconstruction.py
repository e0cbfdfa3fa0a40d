import numpy as np
import pytest

from keras_pnnh.theory import rectified_normal
from keras_pnnh.theory.reconstruction import (
    explained_variance_bound,
    linear_reconstruction_error,
    reconstruction_error_bound,
)


def test_golden_bounds():
    assert explained_variance_bound(8, 2) == 0.25
    assert explained_variance_bound(8, 8) == 1
    assert explained_variance_bound(8, 16) == 1
    np.testing.assert_allclose(
        reconstruction_error_bound(8, 2), 0.2556337927, rtol=1e-9
    )
    assert reconstruction_error_bound(8, 8) == 0
    assert reconstruction_error_bound(8, 16) == 0


def test_golden_errors():
    nothing = np.zeros((4, 1))
    assert linear_reconstruction_error(nothing, nothing.T) == 0.5
    first = np.eye(4, 1)
    np.testing.assert_allclose(
        linear_reconstruction_error(first, first.T), 0.375
    )
    assert linear_reconstruction_error(np.eye(4), np.eye(4)) == 0


def test_error_matches_samples():
    rng = np.random.default_rng(0)
    # Not square and not symmetric: a transposed formula must not pass.
    encoder, decoder = rng.normal(size=(5, 3)), rng.normal(size=(3, 5))
    x = rectified_normal.sample((400_000, 5), seed=1)
    measured = np.mean((x @ encoder @ decoder - x) ** 2)
    np.testing.assert_allclose(
        linear_reconstruction_error(encoder, decoder), measured, rtol=2e-2
    )


@pytest.mark.parametrize("code_width", (1, 2, 5))
def test_leading_eigenvectors_attain_the_bound(code_width):
    _, vectors = np.linalg.eigh(rectified_normal.second_moment(6))
    leading = vectors[:, -code_width:]
    np.testing.assert_allclose(
        linear_reconstruction_error(leading, leading.T),
        reconstruction_error_bound(6, code_width),
    )


@pytest.mark.parametrize("code_width", (1, 3, 5))
def test_no_fitted_decoder_beats_the_bound(code_width):
    rng = np.random.default_rng(code_width)
    x = rectified_normal.sample((100_000, 6), seed=rng)
    for activation in (np.tanh, lambda u: np.maximum(u, 0), np.square):
        code = activation(x @ rng.normal(size=(6, code_width)))
        decoder = np.linalg.lstsq(code, x, rcond=None)[0]
        error = np.mean((code @ decoder - x) ** 2)
        assert error > reconstruction_error_bound(6, code_width)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="Received: code_width=0"):
        explained_variance_bound(4, 0)
    with pytest.raises(ValueError, match="Received: dimension=0"):
        reconstruction_error_bound(0, 4)
    with pytest.raises(ValueError, match=r"decoder.shape=\(4, 2\)"):
        linear_reconstruction_error(np.ones((4, 2)), np.ones((4, 2)))
