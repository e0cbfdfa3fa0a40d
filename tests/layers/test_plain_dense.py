import keras
import numpy as np
import pytest
from harness import check_layer, randomize, to_numpy

from keras_pnnh.layers import Coder, PlainDense


@pytest.mark.parametrize("coder_shape", [None, (5, 7), (4, 3)])
def test_layer(coder_shape, tmp_path):
    shapes = [(2, 3, 5)] if coder_shape is None else [(2, 3, 5), coder_shape]
    check_layer(
        PlainDense,
        {"units": 7, "learner_gain": 0.3},
        shapes,
        trainable=2 if coder_shape is None else 4,
        folder=tmp_path,
    )


def test_learner_and_coder_add_in_one_kernel():
    generator = np.random.default_rng(0)
    x, matrix = generator.standard_normal((2, 3, 5)), np.eye(4, 3)
    layer = PlainDense(7)
    layer(x.astype("float32"), matrix.astype("float32"))
    randomize(layer, seed=1)
    kernel = to_numpy(layer.kernel) * to_numpy(layer.learner_scale)
    kernel[:4, :3] += matrix * to_numpy(layer.coder_scale)
    expected = x @ kernel + to_numpy(layer.bias)
    found = to_numpy(layer(x.astype("float32"), matrix.astype("float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_only_units_beside_a_coder_start_quietly():
    layer = PlainDense(7, learner_gain=0.25)
    layer.build((None, 5), (5, 4))
    expected = [0.25] * 4 + [1.0] * 3
    np.testing.assert_array_equal(to_numpy(layer.learner_scale), expected)
    np.testing.assert_array_equal(to_numpy(layer.coder_scale), np.ones(4))


def test_pairs_of_a_coder_pass_a_gelu_exactly():
    """Two silent layers with the coder's halves compute nothing at all."""
    x = np.random.default_rng(0).standard_normal((6, 5)).astype("float32")
    coder = Coder(5, 10, activation="gelu", initializer="orthogonal_pairs")
    first, second = PlainDense(13), PlainDense(5)

    def run():
        hidden = first(x, coder(x, part="encoder"))
        hidden = keras.activations.gelu(hidden)
        return to_numpy(second(hidden, coder(x, part="decoder")))

    assert np.abs(run() - x).max() > 0.1
    for layer in (first, second):
        layer.kernel.assign(np.zeros(layer.kernel.shape))
    np.testing.assert_allclose(run(), x, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("shape", [(6, 7), (5, 8)])
def test_a_coder_must_fit(shape):
    layer = PlainDense(7, name="narrow")
    with pytest.raises(ValueError) as error:
        layer(np.ones((1, 5)), np.ones(shape))
    assert "'narrow' must fit into its kernel of 5 input" in str(error.value)
    assert f"Received: a coder matrix of shape {shape}" in str(error.value)


def test_a_layer_built_without_a_coder_takes_none():
    layer = PlainDense(7)
    layer(np.ones((1, 5), "float32"))
    with pytest.raises(ValueError, match="built without a coder.*first call"):
        layer(np.ones((1, 5), "float32"), np.ones((5, 7), "float32"))


@pytest.mark.parametrize("units", [0, 1.5, None])
def test_units_are_counted(units):
    with pytest.raises(ValueError, match=f"`units` must.*units={units}"):
        PlainDense(units)
