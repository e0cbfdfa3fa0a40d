"""The mixing of tokens beside channels that are carried."""

import keras
from keras import ops

from keras_pnnh.layers._precision import at_least_float32


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryAttention(keras.layers.Layer):
    """Multi-head attention on some channels; the others pass untouched.

    The part of an attention layer between its kernels: it has no weights. The
    layer before it makes queries, keys and values, the one behind it reads
    what the heads have mixed; both are dense layers. The carried channels are
    *identity heads*, whose tokens mix nothing ("reserve and merge",
    reconstruction, on PNNH, arXiv 2402.08645).

    Args:
        pieces: List of dictionaries, one for each range of output channels,
            in order: `inputs` (`[start, stop]`, the channels it reads),
            `num_heads` (None to pass them, or the number of heads), `key_dim`
            (width of a query and of a key) and `causal` (whether a token sees
            only itself and those before it, by default False). A piece with
            heads reads all queries, then all keys, then all values, each head
            after head.

    Input shape: `(batch, tokens, channels)`.

    Output shape: the same, where a piece with heads leaves as many channels
    as it has values.

    Raises:
        ValueError: For heads that do not fit their channels or a range that
            does not exist.
    """

    def __init__(self, pieces, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError(
                "A layer needs at least one piece. Received: "
                f"pieces={pieces!r}. See `CarryAttention` for what it is."
            )
        self.pieces = [_checked(**piece) for piece in pieces]

    @property
    def carried_channels(self):
        """Output channels that pass."""
        return sum(
            _width(piece) for piece in self.pieces if not piece["num_heads"]
        )

    @property
    def num_heads(self):
        return sum(piece["num_heads"] or 0 for piece in self.pieces)

    @property
    def pair_size(self):
        """Multiplications for each pair of tokens."""
        return sum(
            piece["num_heads"] * piece["key_dim"] + _width(piece)
            for piece in self.pieces
            if piece["num_heads"]
        )

    def build(self, inputs_shape):
        channels = inputs_shape[-1]
        needed = max(piece["inputs"][1] for piece in self.pieces)
        if needed > channels or len(inputs_shape) != 3:
            raise ValueError(
                f"The pieces of layer '{self.name}' read {needed} channels of "
                "tokens, (batch, tokens, channels). Received: inputs of shape "
                f"{tuple(inputs_shape)}."
            )

    def call(self, inputs):
        outputs = []
        for piece in self.pieces:
            x = inputs[..., slice(*piece["inputs"])]
            outputs.append(_mix(x, piece) if piece["num_heads"] else x)
        return ops.concatenate(outputs, axis=-1)

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], sum(map(_width, self.pieces)))

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}


def _mix(x, piece):
    heads, keys_end = piece["num_heads"], 2 * _keys(piece)
    queries = _heads(x[..., : _keys(piece)], heads)
    keys = _heads(x[..., _keys(piece) : keys_end], heads)
    values = _heads(x[..., keys_end:], heads)
    queries = queries * piece["key_dim"] ** -0.5
    logits = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))
    # In half precision the weights of many tokens would not sum to 1.
    logits = ops.cast(logits, at_least_float32(logits))
    if piece["causal"]:
        places = ops.arange(ops.shape(x)[1])
        seen = ops.expand_dims(places, 1) >= ops.expand_dims(places, 0)
        logits = ops.where(seen, logits, -1e9)
    weights = ops.cast(ops.softmax(logits, axis=-1), values.dtype)
    mixed = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))
    return ops.reshape(mixed, (-1, ops.shape(x)[1], _width(piece)))


def _heads(x, heads):
    """`(batch, tokens, channels)` to `(batch, heads, tokens, width)`."""
    width = x.shape[-1] // heads
    x = ops.reshape(x, (-1, ops.shape(x)[1], heads, width))
    return ops.transpose(x, (0, 2, 1, 3))


def _checked(inputs, num_heads=None, key_dim=None, causal=False):
    start, stop = inputs
    if not 0 <= start < stop:
        raise ValueError(
            "`inputs` of a piece is a range of channels, [start, stop]. "
            f"Received: {[start, stop]}."
        )
    if num_heads is None:
        fits = key_dim is None and not causal
    else:
        values = stop - start - 2 * num_heads * (key_dim or 0)
        fits = num_heads > 0 and bool(key_dim)
        fits = fits and values > 0 and values % num_heads == 0
    if not fits:
        raise ValueError(
            "A piece has queries and keys of `num_heads * key_dim` channels "
            "each and values that the heads divide, or neither heads nor keys. "
            f"Received: inputs={[start, stop]}, num_heads={num_heads}, "
            f"key_dim={key_dim}, causal={causal}."
        )
    return {
        "inputs": [start, stop],
        "num_heads": num_heads,
        "key_dim": key_dim,
        "causal": causal,
    }


def _keys(piece):
    return piece["num_heads"] * piece["key_dim"]


def _width(piece):
    """Channels that a piece leaves."""
    width = piece["inputs"][1] - piece["inputs"][0]
    return width - 2 * _keys(piece) if piece["num_heads"] else width
