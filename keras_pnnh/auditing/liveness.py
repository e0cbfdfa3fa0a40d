"""How many activations a network must hold at once."""

import math
from typing import NamedTuple

from keras_pnnh.folding.folding_plan import hands_out_weights
from keras_pnnh.folding.token_layers import attention_sizes
from keras_pnnh.layers import PlainConv2D

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


def measure_liveness(graph):
    """Live activations while each layer runs, for a batch of 1.

    A tensor lives from the layer that makes it until its last reader has run;
    the model's results live to the end. A layer holds its inputs and outputs
    at once, unless it is elementwise (an activation, a norm, an addition) and
    the last reader of an input of the size of its output: then it writes over
    it. The coders' matrices are constants. The calls run in the order of the
    graph. Attention holds its queries, keys and values and, for every head, the
    weights of all pairs of tokens. Padding is a copy, that of a `PlainConv2D`
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
        in_place = type(call.layer).__name__ in IN_PLACE or getattr(
            call.layer, "writes_in_place", False
        )
        reused = size if in_place and size in dying.values() else 0
        needed = size - reused
        padded = _padded_size(call)
        if padded:  # pad, drop the input, convolve
            needed = padded + max(0, size - sum(dying.values()))
        if (sizes := attention_sizes(call)) is not None:
            values, weights = sizes
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


def _padded_size(call):
    """Floats of the copy that a `PlainConv2D` pads its input into, or 0."""
    layer = call.layer
    if not isinstance(layer, PlainConv2D):
        return 0
    if layer.strides == 1 or layer.kernel_size == 1:
        return 0
    sizes = list(call.inputs[0].shape[1:])
    first = 1 if layer.data_format == "channels_first" else 0
    for axis in (first, first + 1):
        sizes[axis] += 2 * (layer.kernel_size // 2)
    return math.prod(sizes)
