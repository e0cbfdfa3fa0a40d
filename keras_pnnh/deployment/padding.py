"""Padding as a part of the convolution that reads it: no padded copy.

A runtime copies what `ZeroPadding2D` pads. ONNX and torch have convolutions
and pooling that pad on any side (torch on both sides alike). LiteRT knows
"same" only, which pads more after the image than before it; a kernel that is
larger by a row and a column of zeros makes its "same" the wanted padding. A
maximum has no such kernel: there, a padded copy stays in LiteRT and
TensorFlow (whose convolutions have explicit padding, too, but TensorFlow 2.21
ends the process when it fuses one with its bias).
"""

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    new_convolution,
    pack_like,
    to_numpy,
)

Pair = tuple[int, int]
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


class Padding(NamedTuple):
    """How a convolution pads along one axis.

    Attributes:
        before, after: Rows of zeros that the runtime's own padding adds.
        front, back: Rows of zeros that the kernel gets.
    """

    before: int
    after: int
    front: int = 0
    back: int = 0


def own_same(
    size: int, kernel_size: int, stride: int, pad: Pair
) -> Padding | None:
    """The rows of zeros by which a kernel's "same" pads as `pad` says.

    Args:
        size: Rows of the image.
        kernel_size: Rows of the kernel.
        stride: Step along the rows.
        pad: Rows of zeros before and after the image.

    Returns:
        A `Padding` with the fewest rows for the kernel; None if there is none.
    """
    made = (size + sum(pad) - kernel_size) // stride + 1
    if made != -(-size // stride):
        return None
    for more in range(kernel_size + 1):
        length = kernel_size + more
        total = max((made - 1) * stride + length - size, 0)
        before = total // 2
        front = before - pad[0]
        if 0 <= front <= more:
            return Padding(before, total - before, front, more - front)
    return None


def alike(
    pad: Pair, size: int | None = None, reach: int = 1, stride: int = 1
) -> Padding:
    """The same on both sides, with rows of zeros for the kernel.

    As many rows come out: what is padded more is read by zeros, or by no step
    of the kernel.

    Args:
        pad: Rows of zeros before and after the image.
        size: Rows of the image, if they are known.
        reach: Rows from the first to the last that the kernel reads.
        stride: Step along the rows.
    """
    most = max(pad)
    if size is not None and pad[0] == most:
        left = (size + sum(pad) - reach) % stride
        if left + most - pad[1] < stride:
            return Padding(most, most)
    return Padding(most, most, most - pad[0], most - pad[1])


def absorb_padding(model: keras.Model, runtime: str) -> keras.Model:
    """The same function, padding inside of the convolutions.

    Args:
        model: A `keras.Model`. One without a readable graph stays as it is.
        runtime: "litert" and "tensorflow" for those that know "same" only,
            "onnx" for ONNX by way of TensorFlow's graph, or "torch".

    Returns:
        A model with layers of its own where anything was to do. It is to be
        written at once: its layers are not registered for saving.
    """
    if not graph.has_graph(model):
        return model
    plan = _plan(model, runtime)
    if not plan:
        return model
    pads = {pad for pad, _ in plan.values() if pad is not None}
    copies, weights = LayerCopies(), []

    def call(layer, args, kwargs):
        if layer in pads:
            return args[0]
        if layer not in plan:
            return copies.call(layer, args, kwargs)
        rows, columns = plan[layer][1]
        if type(layer) is keras.layers.MaxPooling2D:
            return _pool(layer, rows, columns, copies)(args[0])
        made = _convolution(
            layer, rows, columns, runtime, copies.unique_name(layer.name)
        )
        weights.append((layer, made, rows, columns))
        return made(args[0])

    calls = graph.read(model).calls[: len(model.inputs)]
    inputs = [copies.copy(given.layer).output for given in calls]
    outputs = graph.replay(model, inputs, call)
    inputs, outputs = pack_like(model, inputs, outputs)
    absorbed = keras.Model(inputs, outputs, name=model.name)
    copies.load_weights()
    for layer, made, rows, columns in weights:
        kernel, *bias = (to_numpy(weight) for weight in layer.weights)
        zeros = [(rows.front, rows.back), (columns.front, columns.back)]
        made.set_weights([np.pad(kernel, [*zeros, (0, 0), (0, 0)]), *bias])
    return absorbed


def _plan(model, runtime):
    """Dictionary from a convolution to its padding layer and two `Padding`s."""
    network = graph.read(model)
    readers, producers = network.readers(), network.producers()
    times = {}
    for call in network.calls:
        times[call.layer] = times.get(call.layer, 0) + 1
    plan, kept = {}, set()
    for call in network.calls:
        layer = call.layer
        pools = type(layer) is keras.layers.MaxPooling2D
        if type(layer) not in _CONVOLUTIONS and not pools:
            continue
        if pools and (
            runtime not in ("onnx", "torch") or not _is_rectified(call, network)
        ):
            continue
        maker = producers[call.inputs[0]]
        pad, source = None, call.inputs[0]
        if type(maker.layer) is keras.layers.ZeroPadding2D:
            pad, source = maker.layer, maker.inputs[0]
        once = times[layer] == 1 and (pad is None or times[pad] == 1)
        paddings = _paddings(layer, pad, source.shape, runtime)
        if once and paddings is not None:
            plan[layer] = (pad, paddings)
        elif pad is not None:
            kept.add(pad)
    # A padded copy that something else reads stays, and is read by all.
    for call in network.calls:
        others = (
            reader is None or reader.layer not in plan
            for tensor in call.outputs
            for reader in readers[tensor]
        )
        if type(call.layer) is keras.layers.ZeroPadding2D and any(others):
            kept.add(call.layer)
    return {
        layer: found for layer, found in plan.items() if found[0] not in kept
    }


def _is_rectified(call, network):
    """Whether zeros around what a padding layer pads win over nothing."""
    producers = network.producers()
    maker = producers[call.inputs[0]]
    if not maker.inputs:
        return False
    layer = producers[maker.inputs[0]].layer
    if type(layer) is keras.layers.ReLU:
        return not layer.negative_slope and layer.threshold >= 0
    return getattr(layer, "activation", None) in (
        keras.activations.relu,
        keras.activations.relu6,
    )


def _paddings(layer, pad, shape, runtime):
    """`Padding` of rows and columns; None where nothing is to do."""
    first = layer.data_format == "channels_first"
    if first and runtime != "torch":
        return None
    sizes = shape[2:] if first else shape[1:3]
    if pad is None:
        # Torch pads a copy where "same" differs between the sides.
        strided = layer.padding == "same" and max(layer.strides) > 1
        if type(layer) is keras.layers.MaxPooling2D:
            return None
        if runtime != "torch" or not strided or None in sizes:
            return None
        pairs = [
            _same_pair(layer, axis, size) for axis, size in enumerate(sizes)
        ]
        if all(before == after for before, after in pairs):
            return None
    elif layer.padding == "valid" and pad.data_format == layer.data_format:
        pairs = [tuple(pair) for pair in pad.padding]
    else:
        return None
    if type(layer) is keras.layers.MaxPooling2D:
        return _pool_paddings(layer, pairs, runtime)
    found = []
    for axis, pair in enumerate(pairs):
        found.append(_padding(layer, axis, sizes[axis], pair, runtime))
    return None if None in found else tuple(found)


def _pool_paddings(layer, pairs, runtime):
    """Those of a maximum, which pads at most half its window on torch."""
    alike = all(before == after for before, after in pairs)
    small = all(
        max(pair) <= size // 2
        for pair, size in zip(pairs, layer.pool_size, strict=True)
    )
    if not small or (runtime == "torch" and not alike):
        return None
    return tuple(Padding(*pair) for pair in pairs)


def _padding(layer, axis, size, pair, runtime):
    if runtime == "onnx":
        return Padding(*pair)
    if runtime == "torch":
        found = alike(pair, size, _reach(layer, axis), layer.strides[axis])
        larger = bool(found.front or found.back)
        return None if larger and layer.dilation_rate[axis] > 1 else found
    if size is None or layer.dilation_rate[axis] > 1:
        return None
    return own_same(size, layer.kernel_size[axis], layer.strides[axis], pair)


def _same_pair(layer, axis, size):
    step = layer.strides[axis]
    total = (-(-size // step) - 1) * step + _reach(layer, axis) - size
    total = max(total, 0)
    return total // 2, total - total // 2


def _reach(layer, axis):
    return layer.dilation_rate[axis] * (layer.kernel_size[axis] - 1) + 1


def _pool(layer, rows, columns, copies):
    from keras_pnnh.deployment.padded_layers import PaddedMaxPooling2D

    return PaddedMaxPooling2D(
        [(axis.before, axis.after) for axis in (rows, columns)],
        pool_size=layer.pool_size,
        strides=layer.strides,
        data_format=layer.data_format,
        dtype=layer.dtype_policy,
        name=copies.unique_name(layer.name),
    )


def _convolution(layer, rows, columns, runtime, name):
    """A layer in the place of `layer`, whose weights are to be set."""
    depthwise = type(layer) is keras.layers.DepthwiseConv2D
    arguments: dict[str, Any] = {
        "kernel_size": [
            size + padding.front + padding.back
            for size, padding in zip(
                layer.kernel_size, (rows, columns), strict=True
            )
        ],
        "strides": layer.strides,
        "dilation_rate": layer.dilation_rate,
        "data_format": layer.data_format,
        "activation": layer.activation,
        "use_bias": layer.use_bias,
        "dtype": layer.dtype_policy,
        "name": name,
    }
    if depthwise:
        arguments["depth_multiplier"] = layer.depth_multiplier
    else:
        arguments["groups"] = layer.groups
        arguments["filters"] = layer.filters
    if runtime in ("litert", "tensorflow"):
        return new_convolution(type(layer), **arguments, padding="same")
    from keras_pnnh.deployment.padded_layers import (
        PaddedConv2D,
        PaddedDepthwiseConv2D,
    )

    made = PaddedDepthwiseConv2D if depthwise else PaddedConv2D
    pads = [(axis.before, axis.after) for axis in (rows, columns)]
    return made(pads, **arguments)
