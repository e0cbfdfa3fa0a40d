import math

import numpy as np
import pytest

from keras_pnnh.theory import rectified_normal
from keras_pnnh.theory.perfect_coders import (
    CARRYING_ACTIVATIONS,
    averaging_coder,
    carries_identity,
    identity_coder,
    paired_coder,
)
from keras_pnnh.theory.reconstruction import (
    linear_reconstruction_error,
    reconstruction_error_bound,
)


def relu(u):
    return np.maximum(u, 0)


def gelu(u):
    return u * (1 + np.vectorize(math.erf)(u / math.sqrt(2))) / 2


def gelu_tanh(u):
    inner = math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)
    return u * (1 + np.tanh(inner)) / 2


def silu(u):
    return u / (1 + np.exp(-u))


def hard_silu(u):
    return u * np.clip(u + 3, 0, 6) / 6


def softplus(u):
    return np.logaddexp(u, 0)


def relu6(u):
    return np.clip(u, 0, 6)


def mish(u):
    return u * np.tanh(softplus(u))


def elu(u):
    return np.where(u > 0, u, np.expm1(u))


def selu(u):
    return 1.0507009873554805 * np.where(
        u > 0, u, 1.6732632423543772 * np.expm1(u)
    )


CARRYING = (relu, gelu, gelu_tanh, silu, hard_silu, softplus)
NOT_CARRYING = (relu6, mish, elu, selu, np.tanh, lambda u: u)


@pytest.mark.parametrize("activation", CARRYING)
def test_identity_is_carried(activation):
    assert carries_identity(activation) is True
    encoder, decoder = paired_coder(6, seed=0)
    x = 5 * np.random.default_rng(1).normal(size=(100, 6))
    np.testing.assert_allclose(activation(x @ encoder) @ decoder, x, atol=1e-12)


@pytest.mark.parametrize("activation", NOT_CARRYING)
def test_identity_is_not_carried(activation):
    assert carries_identity(activation) is False
    encoder, decoder = paired_coder(6, seed=0)
    x = 5 * np.random.default_rng(1).normal(size=(100, 6))
    assert np.abs(activation(x @ encoder) @ decoder - x).max() > 0.1


@pytest.mark.parametrize("activation", CARRYING)
def test_float32_activations_carry(activation):
    assert carries_identity(lambda u: activation(u.astype("float32")))


def test_a_nan_is_not_an_identity():
    assert not carries_identity(lambda u: np.where(u == 1, np.nan, relu(u)))


def test_the_listed_activations_are_those_tested():
    names = {activation.__name__ for activation in CARRYING}
    assert CARRYING_ACTIVATIONS == names - {"gelu_tanh"}


@pytest.mark.parametrize("code_width", (None, 4, 7))
def test_identity_coder_is_exact_under_relu(code_width):
    encoder, decoder = identity_coder(4, code_width)
    assert encoder.shape == (4, code_width or 4) == decoder.shape[::-1]
    x = rectified_normal.sample((50, 4), seed=0)
    np.testing.assert_array_equal(relu(x @ encoder) @ decoder, x)


def test_a_narrow_identity_coder_drops_coordinates():
    encoder, decoder = identity_coder(4, 1)
    error = linear_reconstruction_error(encoder, decoder)
    np.testing.assert_allclose(error, 3 / 4 * rectified_normal.SECOND_MOMENT)


def test_paired_coder_is_orthogonal_and_follows_the_seed():
    encoder, decoder = paired_coder(5, seed=3)
    rotation = encoder[:, :5]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(5), atol=1e-12)
    np.testing.assert_array_equal(encoder[:, 5:], -rotation)
    np.testing.assert_array_equal(decoder, encoder.T)
    np.testing.assert_array_equal(encoder, paired_coder(5, seed=3)[0])
    assert np.abs(encoder - paired_coder(5, seed=4)[0]).max() > 0.1
    np.testing.assert_array_equal(paired_coder(5)[0][:, :5], np.eye(5))


def test_random_rotations_have_no_preferred_sign():
    # Without fixed signs, LAPACK's QR prefers a negative diagonal.
    rng = np.random.default_rng(0)
    diagonal = [paired_coder(2, rng)[0][0, 0] for _ in range(400)]
    assert abs(np.mean(diagonal)) < 0.15  # four standard errors


@pytest.mark.parametrize(
    ("dimension", "code_width"), ((8, 1), (8, 2), (8, 3), (7, 5), (6, 6))
)
def test_averaging_coder_attains_the_bound(dimension, code_width):
    encoder, decoder = averaging_coder(dimension, code_width)
    bound = reconstruction_error_bound(dimension, code_width)
    error = linear_reconstruction_error(encoder, decoder)
    np.testing.assert_allclose(error, bound, atol=1e-15)
    x = rectified_normal.sample((200_000, dimension), seed=0)
    measured = np.mean((relu(x @ encoder) @ decoder - x) ** 2)
    np.testing.assert_allclose(measured, bound, rtol=1e-2, atol=1e-15)


def test_averaging_coder_splits_evenly():
    _, decoder = averaging_coder(11, 4)
    assert sorted(decoder.sum(axis=1)) == [2, 3, 3, 3]
    np.testing.assert_array_equal(decoder.sum(axis=0), 1)
    np.testing.assert_array_equal(averaging_coder(6, 6)[0], np.eye(6))


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="dimension=4, code_width=5"):
        averaging_coder(4, 5)
    with pytest.raises(ValueError, match="Received: code_width=0"):
        identity_coder(4, 0)
    with pytest.raises(ValueError, match="Received: dimension=0"):
        paired_coder(0)
