"""The wires of a chain on images, from layer to layer."""

import math

import keras

from keras_pnnh.pass_through.layers import CarryActivation, CarryConv2D
from keras_pnnh.pass_through.writing_out.geometry import geometry_of
from keras_pnnh.pass_through.writing_out.rectification import rectify
from keras_pnnh.pass_through.writing_out.wires import (
    Channel,
    Made,
    NotWrittenOutError,
    Passed,
    Wire,
    plain_channels,
)
from keras_pnnh.pass_through.writing_out.written_images import (
    convolution_layers,
    rectifier_layers,
    reserving_layer,
)

_KEEP_SIGN = (
    keras.layers.AveragePooling2D,
    keras.layers.Cropping2D,
    keras.layers.MaxPooling2D,
    keras.layers.ZeroPadding2D,
)


class ReadBeyondBorderError(Exception):
    """A window reads zeros around the image of a channel that is shifted."""


class ImagePlanner:
    """Follows the channels of a chain, and the wires that they are in."""

    def __init__(self, axis, ranges, paired):
        self._axis = axis
        self._ranges = ranges
        self._paired = paired
        self._channels = []
        self._rectified = None  # what the coming `CarryActivation` makes

    def plan(self, call, following):
        """Layers in the place of a call, or None for a standard layer."""
        layer = call.layer
        if isinstance(layer, CarryConv2D):
            return self._convolution(call, following)
        if isinstance(layer, CarryActivation):
            layers = []
            if self._rectified is None:
                layers.append(self._reserve(call))
            layers += rectifier_layers(call, self._rectified)
            self._channels, self._rectified = self._rectified.channels, None
            return layers
        self._standard(call)
        return None

    def _standard(self, call):
        """Nothing passes through it: channels are wires."""
        layer, shape = call.layer, call.outputs[0].shape
        if any(
            channel.offset or channel.wires != (Wire(index, 1),)
            for index, channel in enumerate(self._channels)
        ):
            raise NotWrittenOutError(
                "What passes an activation of images is read by a "
                f"`CarryConv2D`. Received: layer '{layer.name}' "
                f"({type(layer).__name__}) after one. Keep the chain as it is, "
                "without `write_out`."
            )
        count = shape[self._axis] if len(shape) == 4 else 0
        most = _rectified_to(layer)
        if isinstance(layer, _KEEP_SIGN) and all(
            channel.nonnegative for channel in self._channels
        ):
            most = max((channel.most for channel in self._channels), default=0)
        self._channels = plain_channels(
            count, most is not None, math.inf if most is None else most
        )

    def _rectify(self, layer, channels, passing):
        ranges = None if layer in self._paired else self._ranges
        self._rectified = rectify(layer, channels, passing, ranges)
        return self._rectified.made

    def _reserve(self, call):
        """A 1x1 convolution that makes the wires where none is before."""
        channels = self._channels
        made = self._rectify(call.layer, channels, {})
        return reserving_layer(call, channels, made)

    def _convolution(self, call, following):
        layer, channels = call.layer, self._channels
        geometry = geometry_of(call)
        for block, padded in zip(layer.blocks, geometry.padded, strict=True):
            for channel in channels[slice(*block.inputs)]:
                if padded and channel.origin is not None:
                    raise ReadBeyondBorderError(channel.origin)
        sources = {
            index: channels[source] for index, source in _passing(layer).items()
        }
        bounds = [
            sources[index]
            if index in sources and sources[index].nonnegative
            else Channel(())
            for index in range(layer.filters)
        ]
        if isinstance(following, CarryActivation):
            made = self._rectify(following, bounds, sources)
        else:
            # Wires are put together, unless that would mix channels.
            apart = isinstance(following, CarryConv2D) and all(
                block.kind != "conv" for block in layer.blocks
            )
            made, self._channels = _side_by_side(
                bounds, sources if apart else {}
            )
        return convolution_layers(call, channels, made, geometry)


def _passing(layer):
    """Dictionary from output channels that pass through to input channels."""
    passing = {}
    for (start, _), (index, *more) in layer.parts:
        block = layer.blocks[index]
        if not more and block.kind == "identity" and not block.use_bias:
            for offset in range(block.channels):
                passing[start + offset] = block.inputs[0] + offset
    return passing


def _side_by_side(bounds, sources):
    """Wires that are channels, or those of a channel that is passed on."""
    made, channels = [], []
    for index, bound in enumerate(bounds):
        first = len(made)
        if index not in sources:
            made.append(Made(index))
            channels.append(
                Channel(
                    (Wire(first, 1),),
                    bound.nonnegative,
                    bound.most,
                    ceiling=bound.most if bound.nonnegative else None,
                )
            )
            continue
        old = sources[index]
        made += [Passed(wire.place, index) for wire in old.wires]
        wires = tuple(
            Wire(place, wire.factor)
            for place, wire in enumerate(old.wires, first)
        )
        channels.append(old._replace(wires=wires))
    return made, channels


def _rectified_to(layer):
    """The most that a rectifier makes; None for any other layer."""
    if isinstance(layer, keras.layers.ReLU):
        if layer.negative_slope or layer.threshold < 0:
            return None
        return math.inf if layer.max_value is None else layer.max_value
    if isinstance(layer, keras.layers.Activation):
        return {
            keras.activations.relu: math.inf,
            keras.activations.relu6: 6.0,
        }.get(layer.activation)
    return None
