"""The range of what passes the activations of a chain, on images."""

from typing import Any

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.pass_through.layers import CarryActivation

BATCH = 8
# How far a range goes beyond the values of the images on either side, relative
# to their width. Of 200 further pictures of a fine-tuned MobileNetV2 32 left
# the range of 64 with a margin of 0.25, 1 with 0.5, none with 1; in float32
# none of these costs precision.
MARGIN = 1.0
# The least width of a channel, relative to the widest beside it: one that is
# constant on the images needs not be so on others.
_LEAST = 0.01


class Ranges:
    """Lowest and highest value of every channel that an activation reads.

    Args:
        found: Dictionary from a `CarryActivation` to a pair of arrays, the
            lowest and the highest value of its input channels; None for
            ranges that are not known yet, of which the costs can be counted.
        margin: How far a range goes beyond the values on either side,
            relative to their width.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_pnnh.pass_through.layers import CarryActivation
    >>> from keras_pnnh.pass_through.writing_out.ranges import Ranges
    >>> layer = CarryActivation([{"inputs": [0, 1]}])
    >>> ranges = Ranges({layer: (np.array([-2.0]), np.array([2.0]))}, 0.5)
    >>> ranges.of(layer, 0)
    (-4.0, 4.0)
    """

    def __init__(self, found: Any, margin: float = 0.0) -> None:
        self._ranges = None
        if found is not None:
            self._ranges = {
                layer: _widened(low, high, margin)
                for layer, (low, high) in found.items()
            }

    def of(self, layer: Any, channel: int) -> tuple[float, float]:
        """Bounds of an input channel of a `CarryActivation`."""
        if self._ranges is None:
            return 0.0, 1.0
        low, high = self._ranges[layer]
        return float(low[channel]), float(high[channel])


def _widened(low, high, margin):
    low, high = np.asarray(low, "float64"), np.asarray(high, "float64")
    width = high - low
    least = _LEAST * width.max() or 1.0
    more = margin * width + np.maximum(least - width, 0) / 2
    return low - more, high + more


def measure_ranges(model: keras.Model, images: Any, margin: float) -> Ranges:
    """The `Ranges` of a chain on some images.

    Args:
        model: A functional or sequential model with pass-through channels.
        images: Array, a batch of its inputs.
        margin: How far a range goes beyond the values on either side.
    """
    found = {}

    def see(layer, inputs, start):
        axes = _all_but_channels(layer, inputs)
        low, high = (
            keras.ops.convert_to_numpy(bound(inputs, axis=axes))
            for bound in (keras.ops.min, keras.ops.max)
        )
        before = found.get(layer, (low, high))
        found[layer] = np.minimum(low, before[0]), np.maximum(high, before[1])

    activations = {
        call.layer
        for call in graph.read(model).calls
        if isinstance(call.layer, CarryActivation)
    }
    watch(model, activations, images, see)
    return Ranges(found, margin)


def watch(model: keras.Model, layers: Any, images: Any, see: Any) -> None:
    """Run a model on images, and see what some of its layers read.

    Args:
        model: A functional or sequential model.
        layers: Collection of its layers, of one input each.
        images: Array, a batch of its inputs.
        see: Function of a layer, a tensor, its input, and the number of the
            first image in it.
    """
    given = model.inputs[0]
    for start in range(0, len(images), BATCH):

        def call(layer, args, kwargs, start=start):
            if layer in layers:
                see(layer, keras.ops.stop_gradient(args[0]), start)
            return layer(*args, **kwargs)

        batch = keras.ops.convert_to_tensor(images[start : start + BATCH])
        graph.replay(model, [keras.ops.cast(batch, given.dtype)], call)


def _all_but_channels(layer, inputs):
    axes = list(range(len(inputs.shape)))
    first = getattr(layer, "data_format", "") == "channels_first"
    axes.pop(1 if first and len(axes) == 4 else -1)
    return tuple(axes)
