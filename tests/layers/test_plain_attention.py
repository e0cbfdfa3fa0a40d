import numpy as np
import pytest
from harness import check_layer, compute_gradients, randomize, to_numpy

from keras_pnnh.layers import PlainAttention


def tokens(*shape):
    generator = np.random.default_rng(0)
    return generator.standard_normal(shape).astype("float32")


@pytest.mark.parametrize("with_coder", [False, True])
def test_layer(with_coder, tmp_path):
    inputs = [(2, 5, 6)]
    if with_coder:
        inputs += [(6, 6), (6, 6)]
    check_layer(
        PlainAttention,
        {
            "num_heads": 3,
            "token_mixing": "shaped",
            "identity_heads": 2,
            "learner_gain": 0.3,
        },
        inputs,
        trainable=3 + 8 + (4 if with_coder else 0),
        folder=tmp_path,
    )


def attention(layer, x, encoder=None, decoder=None):
    """The layer once more, in NumPy, one head at a time."""

    def dense(part, x, matrix=None):
        kernel = to_numpy(part.kernel).astype("float64")
        if part.learner_scale is not None:
            kernel *= to_numpy(part.learner_scale)
        if matrix is not None:
            rows, columns = matrix.shape
            kernel[:rows, :columns] += matrix * to_numpy(part.coder_scale)
        return x @ kernel + to_numpy(part.bias)

    queries, keys = dense(layer.query, x), dense(layer.key, x)
    values = dense(layer.value, x, encoder)
    count = x.shape[1]
    width = x.shape[-1] // layer.num_heads
    mixed = []
    for head in range(layer.identity_heads + layer.num_heads):
        own = values[..., head * width : (head + 1) * width]
        number = head - layer.identity_heads
        if number < 0:
            mixed.append(own)
            continue
        columns = slice(number * width, (number + 1) * width)
        logits = queries[..., columns] @ keys[..., columns].swapaxes(1, 2)
        weights = np.exp(logits / np.sqrt(width))
        weights /= weights.sum(-1, keepdims=True)
        if layer.token_mixing == "shaped":
            alpha, beta, gamma = (
                to_numpy(scale)[number]
                for scale in (layer.alpha, layer.beta, layer.gamma)
            )
            weights = alpha * np.eye(count) + beta * weights - gamma / count
        mixed.append(weights @ own)
    return dense(layer.output_dense, np.concatenate(mixed, -1), decoder)


@pytest.mark.parametrize("identity_heads", [0, 2])
@pytest.mark.parametrize("token_mixing", ["softmax", "shaped"])
@pytest.mark.parametrize("with_coder", [False, True])
def test_equals_numpy(with_coder, token_mixing, identity_heads):
    x = tokens(2, 5, 6)
    matrices = [tokens(6, 4), tokens(4, 6)] if with_coder else []
    layer = PlainAttention(3, token_mixing, identity_heads)
    layer(x, *matrices)
    randomize(layer, seed=1)
    np.testing.assert_allclose(
        to_numpy(layer(x, *matrices)),
        attention(layer, x, *matrices),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("token_mixing", "identity_heads"), [("shaped", 0), ("softmax", 3)]
)
def test_silent_learners_carry_the_tokens(token_mixing, identity_heads):
    x = tokens(2, 5, 6)
    matrices = [np.eye(6, dtype="float32")] * 2
    layer = PlainAttention(3, token_mixing, identity_heads)
    layer(x, *matrices)
    for part in (layer.query, layer.value, layer.output_dense):
        part.kernel.assign(np.zeros(part.kernel.shape))
    carried = to_numpy(layer(x, *matrices))
    np.testing.assert_allclose(carried, x, rtol=1e-5, atol=1e-6)


def test_the_softmax_starts_as_quietly_as_the_other_learners():
    layer = PlainAttention(3, "shaped", learner_gain=0.25)
    layer(tokens(2, 5, 6))
    for scale, start in ((layer.alpha, 1), (layer.beta, 0.25)):
        np.testing.assert_array_equal(to_numpy(scale), [start] * 3)
    np.testing.assert_array_equal(to_numpy(layer.gamma), to_numpy(layer.beta))


def test_a_softmax_alone_carries_nothing_but_the_mean():
    x = tokens(2, 5, 6)
    matrices = [np.eye(6, dtype="float32")] * 2
    layer = PlainAttention(3)
    layer(x, *matrices)
    for part in (layer.query, layer.value, layer.output_dense):
        part.kernel.assign(np.zeros(part.kernel.shape))
    carried = to_numpy(layer(x, *matrices))
    mean = np.repeat(x.mean(1, keepdims=True), 5, axis=1)
    np.testing.assert_allclose(carried, mean, rtol=1e-5, atol=1e-6)


def test_the_bias_of_the_keys_cannot_matter():
    """It adds the same to all logits of a query: the softmax removes it."""
    layer = PlainAttention(3)
    x = tokens(2, 5, 6)
    gradients = compute_gradients(layer, [x])
    largest = {name: np.abs(value).max() for name, value in gradients.items()}
    (bias,) = [name for name in largest if name.endswith("key/bias")]
    assert largest.pop(bias) < 1e-5 < min(largest.values())


def test_the_mixing_is_computed_in_float32():
    x = tokens(1, 300, 4)
    layer = PlainAttention(1, "shaped", dtype="mixed_bfloat16")
    layer(x)
    weights = layer._mixing(x)
    assert "float32" in str(weights.dtype)
    # Rows of alpha I + beta A - gamma C sum to alpha + beta - gamma.
    np.testing.assert_allclose(to_numpy(weights).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"num_heads": 0}, "`num_heads` must.*num_heads=0"),
        ({"token_mixing": "mean"}, "`token_mixing` must.*'mean'"),
        ({"identity_heads": -1}, "`identity_heads` must.*identity_heads=-1"),
        ({"num_heads": 4}, "must divide.*num_heads=4, inputs with 6 channels"),
    ],
)
def test_wrong_arguments(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        PlainAttention(**{"num_heads": 3, **arguments})(tokens(2, 5, 6))
