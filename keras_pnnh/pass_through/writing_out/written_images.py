"""The ordinary layers of one layer on images, written out."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_pnnh.pass_through.writing_out.geometry import layer_kernel
from keras_pnnh.pass_through.writing_out.wires import Passed


@dataclasses.dataclass
class StandardLayer:
    """A standard layer to be made."""

    layer_class: type[Any]
    name: str
    arguments: dict[str, Any]
    macs: int | None = 0  # None: the size of the image is not known
    parameters: int = 0
    weights: Callable | None = None  # returns the list of arrays
    # Channels that it must leave alone, which it does within their range.
    in_range: tuple[int, ...] = ()


def reserving_layer(call: Any, channels: Any, made: Any) -> StandardLayer:
    """A 1x1 convolution from channels to wires."""
    layer, count = call.layer, _wires(channels)

    def weights():
        kernel = np.eye(len(channels), dtype=layer.variable_dtype)[None, None]
        return _weights(kernel, np.zeros(len(channels)), channels, made)

    return StandardLayer(
        keras.layers.Conv2D,
        f"{layer.name}_reserve",
        {
            "filters": len(made),
            "kernel_size": 1,
            "data_format": layer.data_format,
            "dtype": layer.dtype_policy,
        },
        _times(_positions(call), count * len(made)),
        (count + 1) * len(made),
        weights,
    )


def convolution_layers(
    call: Any, channels: Any, made: Any, geometry: Any
) -> list[Any]:
    """Padding and a convolution from wires to wires."""
    layer = call.layer
    common = {"data_format": layer.data_format, "dtype": layer.dtype_policy}
    layers = []
    if any(map(any, geometry.pad)):
        layers.append(
            StandardLayer(
                keras.layers.ZeroPadding2D,
                f"{layer.name}_pad",
                {"padding": geometry.pad, **common},
            )
        )
    if any(map(any, geometry.crop)):
        layers.append(
            StandardLayer(
                keras.layers.Cropping2D,
                f"{layer.name}_crop",
                {"cropping": geometry.crop, **common},
            )
        )
    count = _wires(channels)
    apart = _is_depthwise(layer, channels, made)

    def weights():
        kernel, bias = layer_kernel(layer, geometry)
        kernel, bias = _weights(kernel, bias, channels, made)
        if apart:
            diagonal = np.arange(count)
            kernel = kernel[:, :, diagonal, diagonal, None]
        return kernel, bias

    arguments = {
        "kernel_size": geometry.kernel_size,
        "strides": geometry.strides,
        "padding": geometry.padding,
        **common,
    }
    inputs = math.prod(geometry.kernel_size) * (1 if apart else count)
    layer_class = keras.layers.DepthwiseConv2D
    if not apart:
        layer_class = keras.layers.Conv2D
        arguments["filters"] = len(made)
    layers.append(
        StandardLayer(
            layer_class,
            layer.name,
            arguments,
            _times(_positions(call), inputs * len(made)),
            (inputs + 1) * len(made),
            weights,
        )
    )
    return layers


def _is_depthwise(layer, channels, made):
    """Whether every wire is made from the wire at its place alone."""
    origin = {}
    for _, indices in layer.parts:
        for index in indices:
            block = layer.blocks[index]
            if block.kind == "conv" or block.filters != block.channels:
                return False
            for offset in range(block.filters):
                source = block.inputs[0] + offset
                origin.setdefault(block.outputs[0] + offset, []).append(source)
    places = []
    for item in made:
        if isinstance(item, Passed):
            places.append(item.wire)
            continue
        wires = [
            wire for j in origin[item.channel] for wire in channels[j].wires
        ]
        places.append(wires[0].place if len(wires) == 1 else None)
    return places == list(range(_wires(channels)))


def _wires(channels):
    return 1 + max(w.place for channel in channels for w in channel.wires)


def _weights(kernel, bias, channels, made):
    """Kernel and bias between wires of those between channels."""
    dtype, count = kernel.dtype, _wires(channels)
    kernel, bias = kernel.astype("float64"), bias.astype("float64")
    opened = np.zeros((*kernel.shape[:2], count, kernel.shape[3]))
    for channel, row in zip(channels, np.moveaxis(kernel, 2, 0), strict=True):
        for wire in channel.wires:
            opened[:, :, wire.place] += wire.factor * row
        # No window reads padding of a channel that is shifted.
        bias = bias + channel.offset * row.sum((0, 1))
    columns = np.zeros((*opened.shape[:3], len(made)))
    offsets = np.zeros(len(made))
    for place, item in enumerate(made):
        if isinstance(item, Passed):  # its channel is passed by one tap of 1
            tap = kernel[..., item.channel].sum(2)
            columns[:, :, item.wire, place] = tap
            continue
        columns[..., place] = item.factor * opened[..., item.channel]
        offsets[place] = item.factor * bias[item.channel] + item.shift
    return columns.astype(dtype), offsets.astype(dtype)


def rectifier_layers(call: Any, rectified: Any) -> list[StandardLayer]:
    """One ReLU, or two around a turn of what is clipped."""
    layer, turns = call.layer, rectified.turns
    common = {"dtype": layer.dtype_policy}
    relu = keras.layers.ReLU
    if not turns:
        arguments = {"max_value": rectified.most, **common}
        return [
            StandardLayer(
                relu, layer.name, arguments, in_range=rectified.in_range
            )
        ]
    turned = np.array([turn is not None for turn in turns])

    def weights():
        kernel = np.where(turned, -1.0, 1.0)[None, None, :, None]
        return kernel, np.array([turn or 0.0 for turn in turns])

    count = len(turns)
    return [
        StandardLayer(
            relu, f"{layer.name}_below", common, in_range=rectified.in_range
        ),
        StandardLayer(
            keras.layers.DepthwiseConv2D,
            f"{layer.name}_clip",
            {"kernel_size": 1, "data_format": layer.data_format, **common},
            _times(_positions(call), count),
            2 * count,
            weights,
        ),
        StandardLayer(relu, layer.name, common),
    ]


def _positions(call):
    """Pixels of the output, or None."""
    first = 2 if call.layer.data_format == "channels_first" else 1
    sizes = call.outputs[0].shape[first : first + 2]
    return None if None in sizes else math.prod(sizes)


def _times(positions, count):
    return None if positions is None else positions * count
