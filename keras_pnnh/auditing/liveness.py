"""How many activations a network must hold at once."""

import math
from typing import Any, NamedTuple

import keras

from keras_pnnh.folding.handed import hands_out_weights
from keras_pnnh.layers import PlainLayer

# Layers and operations that may write over their input, by class: the
# operations behind `x + y` and `keras.ops.relu(x)` have no public class.
IN_PLACE = {
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "Cast",
    "Dropout",
    "ELU",
    "Flatten",
    "Gelu",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "LeakyReLU",
    "LeakyRelu",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "ReLU",
    "Relu",
    "Relu6",
    "Rescaling",
    "Reshape",
    "Sigmoid",
    "Silu",
    "SpatialDropout2D",
    "Subtract",
    "Tanh",
}


class Liveness(NamedTuple):
    """What `measure_liveness` returns, in floats."""

    peak: int
    layer: str  # where the peak is; the first such layer
    live: tuple[int, ...]  # while each call runs


def measure_liveness(graph: Any) -> Liveness:
    """Live activations while each layer runs, for a batch of 1.

    A tensor lives from the layer that makes it until its last reader has run;
    the model's results live to the end. A layer holds its inputs and outputs
    at once, unless it is elementwise (an activation, a norm, an addition) and
    the last reader of an input of the size of its output: then it writes over
    it. The coders' matrices are constants. The calls run in the order of the
    graph. Attention holds its queries, keys and values and, for every head, the
    weights of all pairs of tokens. Padding is a copy, that of a plain layer
    with strides no less than the `ZeroPadding2D` it folds to, so a model and
    its folded form agree.

    A runtime that adds into the shortcut while it convolves needs less for a
    residual network than this count says.

    Args:
        graph: A `graph.Graph` whose tensors have no unknown sizes.

    Returns:
        A `Liveness`.
    """
    last_reader = {}
    for index, call in enumerate(graph.calls):
        if not hands_out_weights(call):
            last_reader.update(dict.fromkeys(call.inputs, index))
    last_reader.update(dict.fromkeys(graph.outputs, len(graph.calls)))
    matrices = {
        tensor
        for call in graph.calls
        if hands_out_weights(call)
        for tensor in call.outputs
    }
    held, live = {}, []
    for index, call in enumerate(graph.calls):
        made = {
            tensor: math.prod(tensor.shape[1:])
            for tensor in call.outputs
            if tensor not in matrices
        }
        dying = {
            tensor: held[tensor]
            for tensor in set(call.inputs) & held.keys()
            if last_reader[tensor] == index
        }
        size = sum(made.values())
        in_place = _writes_in_place(call.layer) and size in dying.values()
        needed = 0 if in_place else size
        padded = _padded_floats(call)
        if padded:  # pad, drop the input, convolve
            needed = padded + max(0, size - sum(dying.values()))
        if (inner := _inner_floats(call)) is not None:
            values, weights = inner
            # First all of them, then, without the input, who sees whom.
            needed = values + max(0, weights - sum(dying.values()))
        live.append(sum(held.values()) + needed)
        for tensor in dying:
            del held[tensor]
        held.update(
            (tensor, size)
            for tensor, size in made.items()
            if tensor in last_reader  # what nobody reads is dropped
        )
    peak = max(live)
    return Liveness(peak, graph.calls[live.index(peak)].layer.name, tuple(live))


def _writes_in_place(layer):
    if isinstance(layer, PlainLayer):
        return layer.writes_in_place
    return type(layer).__name__ in IN_PLACE


def _padded_floats(call):
    """Floats of the copy that a layer pads its input into, or 0."""
    if not isinstance(call.layer, PlainLayer):
        return 0
    return call.layer.padded_floats(call.inputs[0].shape)


def _inner_floats(call):
    """Floats that a layer holds inside, see `PlainLayer.inner_floats`."""
    layer = call.layer
    if isinstance(layer, PlainLayer):
        return layer.inner_floats(call.inputs[0].shape)
    if not isinstance(layer, keras.layers.MultiHeadAttention):
        return None
    tokens = call.inputs[0].shape[1]
    width = layer.num_heads * (2 * layer.key_dim + layer.value_dim)
    return tokens * width, layer.num_heads * tokens**2
