"""Which ordinary layers take the place of layers with pass-through channels."""

from typing import Any

import keras

from keras_pnnh.pass_through.layers import (
    CarryActivation,
    CarryConv2D,
    CarryNormalization,
    PassThroughLayer,
)
from keras_pnnh.pass_through.writing_out.wires import (
    Channel,
    Made,
    NotWrittenOutError,
    Passed,
    Wire,
    plain_channels,
    rectify,
)
from keras_pnnh.pass_through.writing_out.written_images import (
    convolution_layers,
    rectifier_layers,
    reserving_layer,
)
from keras_pnnh.pass_through.writing_out.written_tokens import (
    plan_feature_layers,
)

_KEEP_SIGN = (
    keras.layers.AveragePooling2D,
    keras.layers.Cropping2D,
    keras.layers.MaxPooling2D,
    keras.layers.ZeroPadding2D,
)


def plan_written_out(network: Any) -> dict[Any, Any]:
    """The ordinary layers for those of a chain with pass-through channels.

    Args:
        network: `graph.Graph`.

    Returns:
        Dictionary from a `Carry*` layer to a list of
        `StandardLayer`s; empty without any.

    Raises:
        NotWrittenOutError: If there are none.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph, pass_through
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    >>> y = keras.layers.ReLU(name="relu")(y)
    >>> y = keras.layers.Conv2D(4, 3, padding="same", name="conv2")(y)
    >>> block = keras.Model(x, keras.layers.Add(name="add")([x, y]))
    >>> chain, certificate = pass_through.from_residual(block)
    >>> plan = pass_through.writing_out.plan_written_out(graph.read(chain))
    >>> for layer, ordinary in plan.items():
    ...     print(layer.name, [new.layer_class.__name__ for new in ordinary])
    conv ['Conv2D']
    relu ['ReLU']
    add ['Conv2D']
    """
    found = [
        call.layer
        for call in network.calls
        if isinstance(call.layer, PassThroughLayer)
    ]
    if not found:
        return {}
    readers = network.readers()
    for call in network.calls:
        if len(call.inputs) > 1 or len(readers[call.outputs[0]]) != 1:
            raise NotWrittenOutError(
                "Pass-through channels are written out along a "
                f"chain. Received: layer '{call.layer.name}', where paths "
                "meet or part."
            )
    plan = plan_feature_layers(network.calls)
    images = [layer for layer in found if layer not in plan]
    for layer in images:
        if isinstance(layer, CarryNormalization):
            raise NotWrittenOutError(
                "A norm over the channels of images cannot be written out "
                "beside pass-through channels. Received: layer "
                f"'{layer.name}'. Keep the chain as it is, without "
                "`write_out`."
            )
    formats = {layer.data_format for layer in images}
    planner = _Planner(1 if "channels_first" in formats else 3)
    followers = [call.layer for call in network.calls[1:]] + [None]
    for call, following in zip(network.calls, followers, strict=True):
        if call.layer in plan:
            continue
        layers = planner.plan(call, following)
        if layers is not None:
            plan[call.layer] = layers
    return plan


class _Planner:
    """Follows the channels of a chain, and the wires that they are in."""

    def __init__(self, axis):
        self._axis = axis
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
            layers += rectifier_layers(call, self._rectified.clips)
            self._channels, self._rectified = self._rectified.channels, None
            return layers
        self._standard(call)
        return None

    def _standard(self, call):
        """Nothing passes through it: channels are wires."""
        layer, shape = call.layer, call.outputs[0].shape
        count = shape[self._axis] if len(shape) == 4 else 0
        kept = isinstance(layer, _KEEP_SIGN) and all(
            channel.nonnegative for channel in self._channels
        )
        self._channels = plain_channels(count, kept or _is_rectifier(layer))

    def _reserve(self, call):
        """A 1x1 convolution that makes the pairs where none is before."""
        layer, channels = call.layer, self._channels
        signs = [channel.nonnegative for channel in channels]
        self._rectified = rectify(layer, signs, {})
        return reserving_layer(call, channels, self._rectified.made)

    def _convolution(self, call, following):
        layer, channels = call.layer, self._channels
        passing = _passing(layer)
        signs = [
            index in passing and channels[passing[index]].nonnegative
            for index in range(layer.filters)
        ]
        sources = {index: channels[source] for index, source in passing.items()}
        if isinstance(following, CarryActivation):
            passing = {
                index: channel
                for index, channel in sources.items()
                if channel.rectified
            }
            self._rectified = rectify(following, signs, passing)
            made = self._rectified.made
        else:
            # Pairs are undone, unless that would mix channels.
            apart = isinstance(following, CarryConv2D) and all(
                block.kind != "conv" for block in layer.blocks
            )
            made, self._channels = _side_by_side(
                signs, sources if apart else {}
            )
        return convolution_layers(call, channels, made)


def _passing(layer):
    """Dictionary from output channels that pass through to input channels."""
    passing = {}
    for (start, _), (index, *more) in layer.parts:
        block = layer.blocks[index]
        if not more and block.kind == "identity":
            for offset in range(block.channels):
                passing[start + offset] = block.inputs[0] + offset
    return passing


def _side_by_side(signs, sources):
    """Wires that are channels, or those of a channel that is passed on."""
    made, channels = [], []
    for index, nonnegative in enumerate(signs):
        first = len(made)
        if index not in sources:
            made.append(Made(index))
            wires = (Wire(first, 1),)
            channels.append(Channel(wires, nonnegative, nonnegative))
            continue
        old = sources[index]
        made += [Passed(wire.place, index) for wire in old.wires]
        wires = tuple(
            Wire(place, wire.sign)
            for place, wire in enumerate(old.wires, first)
        )
        channels.append(old._replace(wires=wires))
    return made, channels


def _is_rectifier(layer):
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope and layer.threshold >= 0
    return isinstance(layer, keras.layers.Activation) and (
        layer.activation in (keras.activations.relu, keras.activations.relu6)
    )
