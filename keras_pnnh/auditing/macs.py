"""How many multiplications a layer does."""

import math

import keras

from keras_pnnh.folding.folding_plan import hands_out_weights
from keras_pnnh.folding.token_layers import (
    count_attention_macs,
    count_multi_head_macs,
)
from keras_pnnh.layers import (
    Coder,
    PlainAttention,
    PlainConv2D,
    PlainDense,
    PlainDepthwiseConv2D,
    TokenEmbedding,
)

# Layers whose weights scale, shift or are looked up: nothing to accumulate.
FREE_LAYERS = (
    keras.layers.BatchNormalization,
    keras.layers.Embedding,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RMSNormalization,
    TokenEmbedding,
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
    PlainDepthwiseConv2D,
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


def count_macs(call):
    """Multiply-accumulates of one call of a layer, for a batch of 1.

    A plain layer counts as the one layer that it folds to, and a coder that
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
    if hasattr(layer, "count_macs"):
        return layer.count_macs(call.inputs[0].shape, call.outputs[0].shape)
    # Outputs, times the inputs that each is a weighted sum of.
    if isinstance(layer, PlainConv2D):
        return _size(call.outputs) * math.prod(layer.kernel_shape[:-1])
    if isinstance(layer, _CONVOLUTIONS):
        return _size(call.outputs) * math.prod(layer.kernel.shape[:-1])
    if isinstance(layer, _DEPTHWISE_CONVOLUTIONS):
        return _size(call.outputs) * math.prod(layer.kernel.shape[:-2])
    if isinstance(layer, keras.layers.SeparableConv2D):
        taps = math.prod(layer.depthwise_kernel.shape[:2])
        inner = math.prod(layer.depthwise_kernel.shape[2:])
        positions = _size(call.outputs) // layer.filters
        return positions * inner * (taps + layer.filters)
    if isinstance(layer, PlainAttention):
        return count_attention_macs(layer, call.inputs[0].shape[1])
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return count_multi_head_macs(call)
    if isinstance(layer, (PlainDense, keras.layers.Dense)):
        return _size(call.outputs) * layer.kernel.shape[0]
    if isinstance(layer, Coder):
        channels = call.inputs[0].shape[layer.axis]
        positions = _size(call.inputs[:1]) // channels
        return positions * layer.code_filters * (channels + layer.filters)
    _check_free(layer)
    return 0


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
            "which is not. Build the model from convolutions and `Dense` "
            "layers, or audit the part of it that is."
        )
