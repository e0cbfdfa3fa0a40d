"""How many multiplications a layer does."""

import math
from typing import Any

import keras

from keras_pnnh.folding.handed import hands_out_weights
from keras_pnnh.layers import PlainLayer

# Layers whose weights scale, shift or are looked up: nothing to accumulate.
FREE_LAYERS = (
    keras.layers.BatchNormalization,
    keras.layers.Embedding,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
_DEPTHWISE_CONVOLUTIONS = (
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
)

# Products of activations, by class: these have no weights to be noticed by,
# and the operations behind `keras.ops` have no public class.
PRODUCTS = {
    "AdditiveAttention",
    "Attention",
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "Dot",
    "DotProductAttention",
    "Einsum",
    "Inner",
    "Matmul",
    "Outer",
    "SeparableConv",
    "Tensordot",
    "Vdot",
}


class UnknownCostError(ValueError):
    """A layer has a kernel, and how often it is multiplied is not known."""


def count_macs(call: Any) -> Any:
    """Multiply-accumulates of one call of a layer, for a batch of 1.

    A `PlainLayer` counts for itself, as what it folds to, and a coder that
    hands out its matrix as nothing. Pass-through channels count 0; what they
    cost written out is `written_out_macs` of an audit. Norms, activations,
    pooling and other layers without a kernel count 0, and so do biases.

    Args:
        call: A `graph.Call` whose tensors have no unknown sizes.

    Returns:
        An integer.

    Raises:
        UnknownCostError: For a layer with a kernel that is not known here,
            since counting it as 0 would be wrong.
    """
    layer = call.layer
    if hands_out_weights(call) or isinstance(layer, FREE_LAYERS):
        return 0
    if isinstance(layer, PlainLayer):
        shapes = call.inputs[0].shape, call.outputs[0].shape
        count = layer.count_macs(*shapes)
        if count is not None:
            return count
    # Outputs, times the inputs that each is a weighted sum of.
    if isinstance(layer, _CONVOLUTIONS):
        return _size(call.outputs) * math.prod(layer.kernel.shape[:-1])
    if isinstance(layer, _DEPTHWISE_CONVOLUTIONS):
        return _size(call.outputs) * math.prod(layer.kernel.shape[:-2])
    if isinstance(layer, keras.layers.SeparableConv2D):
        taps = math.prod(layer.depthwise_kernel.shape[:2])
        inner = math.prod(layer.depthwise_kernel.shape[2:])
        positions = _size(call.outputs) // layer.filters
        return positions * inner * (taps + layer.filters)
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return _count_multi_head(call)
    if isinstance(layer, keras.layers.Dense):
        return _size(call.outputs) * layer.kernel.shape[0]
    _check_free(layer)
    return 0


def _count_multi_head(call):
    layer = call.layer
    query, value, *key = call.inputs[:3]
    sizes = [
        math.prod(tensor.shape[1:-1])
        for tensor in (query, (key or [value])[0], value, query)
    ]
    denses = (
        layer.query_dense,
        layer.key_dense,
        layer.value_dense,
        layer.output_dense,
    )
    kernels = sum(
        size * math.prod(dense.kernel.shape)
        for size, dense in zip(sizes, denses, strict=True)
    )
    pairs = layer.num_heads * (layer.key_dim + layer.value_dim)
    return kernels + sizes[0] * sizes[2] * pairs


def _size(tensors):
    return sum(math.prod(tensor.shape[1:]) for tensor in tensors)


def _check_free(layer):
    kernels = [
        variable
        for variable in getattr(layer, "weights", [])
        if len(variable.shape) > 1
    ]
    if kernels or type(layer).__name__ in PRODUCTS:
        raise UnknownCostError(
            "The multiplications of every layer with a kernel must be known. "
            f"Received: layer '{layer.name}' of class {type(layer).__name__}, "
            "which is not. Derive it from `keras_pnnh.layers.PlainLayer` "
            "and write its `count_macs`, or pass `leave_out_unknown=True`."
        )
