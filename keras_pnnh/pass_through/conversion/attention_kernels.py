"""The kernels of attention layers, queries, keys and values in one."""

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.pass_through.conversion.operations import unsupported


class AttentionKernels(NamedTuple):
    """The two matrices of an attention layer, and what is between them."""

    inner: np.ndarray  # (channels, queries + keys + values), head after head
    inner_bias: np.ndarray | None
    outer: np.ndarray  # (values, channels)
    outer_bias: np.ndarray | None
    num_heads: int
    key_dim: int
    causal: bool = False


def plain_kernels(layer: Any) -> AttentionKernels:
    """Those of a folded `PlainAttention`, which has no coder."""
    denses = (layer.query, layer.key, layer.value)
    return AttentionKernels(
        np.concatenate([to_numpy(dense.kernel) for dense in denses], axis=1),
        np.concatenate([to_numpy(dense.bias) for dense in denses]),
        to_numpy(layer.output_dense.kernel),
        to_numpy(layer.output_dense.bias),
        layer.num_heads,
        layer.query.units // layer.num_heads,
    )


def multi_head_kernels(call: Any) -> AttentionKernels:
    """Those of a `keras.layers.MultiHeadAttention` on its own input.

    Raises:
        ValueError: For attention to something else, with a mask, or in a form
            that is not matrices and a softmax.
    """
    layer = call.layer
    why = _why_not(call)
    if why is not None:
        raise unsupported(
            layer.name,
            type(layer).__name__,
            why,
            "Only self-attention of all tokens, or a causal one, is a chain.",
        )
    denses = (layer.query_dense, layer.key_dense, layer.value_dense)
    channels = call.inputs[0].shape[-1]
    inner = [to_numpy(dense.kernel).reshape(channels, -1) for dense in denses]
    outer = to_numpy(layer.output_dense.kernel)
    inner_bias = outer_bias = None
    if layer.use_bias:
        biases = [to_numpy(dense.bias).reshape(-1) for dense in denses]
        inner_bias = np.concatenate(biases)
        outer_bias = to_numpy(layer.output_dense.bias)
    return AttentionKernels(
        np.concatenate(inner, axis=1),
        inner_bias,
        outer.reshape(-1, outer.shape[-1]),
        outer_bias,
        layer.num_heads,
        layer.key_dim,
        bool(call.kwargs.get("use_causal_mask")),
    )


def _why_not(call):
    """The reason for which an attention layer cannot be converted, or None."""
    layer = call.layer
    config = layer.get_config()
    if type(layer) is not keras.layers.MultiHeadAttention:
        return "does what its own class says"
    if len(set(call.inputs)) > 1:
        return "reads several tensors: queries here and keys there, or a mask"
    known = ("query", "value", "key", "use_causal_mask", "training")
    others = [
        name
        for name, value in call.kwargs.items()
        if name not in known and value is not None and value is not False
    ]
    if others or any(item is not None for item in call.args[3:]):
        return f"was called with {others or 'a mask'}"
    if len(call.inputs[0].shape) != 3 or layer.attention_axes not in (
        None,
        (1,),
    ):
        return "attends over other axes than that of the tokens"
    if config.get("sliding_window") or config.get("use_gate"):
        return "has a window or a gate"
    if len(layer.output_dense.kernel.shape) != 3:
        return "makes more than one axis of channels"
    return None
