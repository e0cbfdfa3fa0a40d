import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy

from keras_pnnh.pass_through.layers import CarryAttention


def piece(inputs, num_heads=None, key_dim=None, causal=False):
    return {
        "inputs": inputs,
        "num_heads": num_heads,
        "key_dim": key_dim,
        "causal": causal,
    }


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


# Two heads: queries and keys of 3 channels, values of 2.
HEADS = piece([1, 17], 2, 3)


def test_is_a_well_behaved_layer(tmp_path):
    pieces = [HEADS, piece([0, 3]), piece([2, 18], 2, 3, True)]
    kwargs = {"pieces": pieces}
    check_layer(CarryAttention, kwargs, [(4, 5, 18)], 0, tmp_path)


@pytest.mark.parametrize("causal", [False, True])
def test_equals_the_attention_of_keras(causal):
    x = normal(2, 5, 18)
    layer = CarryAttention([piece([16, 18]), {**HEADS, "causal": causal}])
    got = to_numpy(layer(x))
    queries, keys = (
        part.reshape(2, 5, 2, 3) for part in np.split(x[..., 1:13], 2, -1)
    )
    values = x[..., 13:17].reshape(2, 5, 2, 2)
    want = keras.ops.dot_product_attention(
        queries, keys, np.pad(values, [(0, 0)] * 3 + [(0, 1)]), is_causal=causal
    )
    want = to_numpy(want)[..., :2].reshape(2, 5, 4)
    np.testing.assert_allclose(got[..., 2:], want, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(got[..., :2], x[..., 16:])
    assert layer.pass_through_channels == 2
    assert layer.num_heads == 2 and layer.pair_size == 2 * (3 + 2)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "at least one piece: .* Received: pieces="),
        ([piece([2, 2])], r"range of channels.*\[2, 2\]"),
        ([piece([0, 12], 2, 3)], "values that the heads divide.*num_heads=2"),
        ([piece([0, 13], 2, 3)], "values that the heads divide.*key_dim=3"),
        ([piece([0, 12], 2)], "`key_dim` must.*key_dim=None"),
        ([piece([0, 12], 0, 3)], "`num_heads` must.*num_heads=0"),
        ([piece([0, 12], None, 3)], "neither heads nor keys.*num_heads=None"),
    ],
)
def test_arguments_out_of_range(pieces, message):
    with pytest.raises(ValueError, match=message):
        CarryAttention(pieces)


@pytest.mark.parametrize("shape", [(2, 5, 16), (2, 3, 5, 18)])
def test_pieces_that_do_not_fit_the_input(shape):
    with pytest.raises(ValueError, match="read 17 channels|reads tokens"):
        CarryAttention([HEADS])(normal(*shape))
