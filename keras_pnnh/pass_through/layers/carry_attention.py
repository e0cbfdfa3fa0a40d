"""Attention between some channels of tokens, while others pass through."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.layers._checks import check_flag, check_positive_integers
from keras_pnnh.layers._precision import at_least_float32
from keras_pnnh.pass_through.layers._pieces_layer import PiecesLayer


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryAttention(PiecesLayer):
    """Multi-head attention on some channels; the others pass through.

    The part of an attention layer between its kernels: it has no weights. The
    layer before it makes queries, keys and values, the one after it reads
    what the heads have mixed; both are dense layers. The pass-through channels
    are *identity heads*, whose tokens mix nothing.

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

    Example:

    >>> from keras_pnnh.pass_through.layers import CarryAttention
    >>> heads = {"inputs": [0, 6], "num_heads": 1, "key_dim": 2}
    >>> layer = CarryAttention([heads, {"inputs": [6, 9]}])
    >>> layer.compute_output_shape((None, 4, 9))
    (None, 4, 5)
    """

    @property
    def num_heads(self) -> int:
        """Heads of all pieces."""
        return sum(piece["num_heads"] or 0 for piece in self.pieces)

    @property
    def pair_size(self) -> int:
        """Multiplications for each pair of tokens."""
        return sum(
            _keys(piece) + self._width(piece)
            for piece in self.pieces
            if piece["num_heads"]
        )

    def inner_floats(self, inputs_shape: tuple[Any, ...]) -> tuple[int, int]:
        """Floats held inside: for every head, the weights of all pairs.

        Returns:
            Those held beside the inputs, and those that may take their place.
        """
        return self.num_heads * inputs_shape[1] ** 2, 0

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int:
        return inputs_shape[1] ** 2 * self.pair_size

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        super().build(inputs_shape)
        if len(inputs_shape) != 3:
            raise ValueError(
                f"Layer '{self.name}' reads tokens, (batch, tokens, channels). "
                f"Received: inputs of shape {tuple(inputs_shape)}. Reshape "
                "them before it."
            )

    def _run(self, x, piece, index, inputs):
        return _mix(x, piece)

    @staticmethod
    def _passes(piece):
        return not piece["num_heads"]

    @staticmethod
    def _width(piece):
        width = PiecesLayer._width(piece)
        return width - 2 * _keys(piece) if piece["num_heads"] else width

    @staticmethod
    def _checked_piece(inputs, num_heads=None, key_dim=None, causal=False):
        start, stop = inputs
        check_flag("causal", causal)
        if num_heads is None:
            fits = key_dim is None and not causal
        else:
            check_positive_integers(num_heads=num_heads, key_dim=key_dim)
            values = stop - start - 2 * num_heads * key_dim
            fits = values > 0 and values % num_heads == 0
        if not fits:
            raise ValueError(
                "A piece has queries and keys of `num_heads * key_dim` "
                "channels each and values that the heads divide, or neither "
                f"heads nor keys. Received: inputs={[start, stop]}, "
                f"num_heads={num_heads}, key_dim={key_dim}, causal={causal}."
            )
        return {
            "inputs": [start, stop],
            "num_heads": num_heads,
            "key_dim": key_dim,
            "causal": causal,
        }


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
    return ops.reshape(
        mixed, (-1, ops.shape(x)[1], CarryAttention._width(piece))
    )


def _heads(x, heads):
    """`(batch, tokens, channels)` to `(batch, heads, tokens, width)`."""
    width = x.shape[-1] // heads
    x = ops.reshape(x, (-1, ops.shape(x)[1], heads, width))
    return ops.transpose(x, (0, 2, 1, 3))


def _keys(piece):
    return piece["num_heads"] * piece["key_dim"]
