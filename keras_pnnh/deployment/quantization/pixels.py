"""Pixels that keep all their levels when a `Rescaling` is in integers.

0 to 255 brought to -1 to 1 has no pixel at zero, but integers must have one:
all pixels then lie halfway between two of them, and a runtime rounds every
second one up, or all, each in its own way.
"""

from collections import Counter

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment.quantization.links import WEIGHTED
from keras_pnnh.graph.layer_copies import to_numpy


def move_to_grid(
    model: keras.Model, images: np.ndarray
) -> dict[keras.layers.Layer, float]:
    """Let a `Rescaling` of the images add a whole number of levels only.

    The layer that reads it takes over the factor, exactly. By the rest of the
    offset, half a level at most, all its inputs are off, and its bias must make
    up for that, as `correction.round_layers` lets it do.

    Args:
        model: A functional or sequential model; changed in place.
        images: Calibration images.

    Returns:
        Dictionary from a `Rescaling` to the rest of its offset.
    """
    level = (float(images.max()) - float(images.min())) / 255
    network = graph.read(model)
    producers, readers = network.producers(), network.readers()
    calls = Counter(call.layer for call in network.calls)
    rests = {}
    for call in network.calls:
        if not level or not _is_plain(call, producers, calls):
            continue
        reader = _only_reader(call, readers, network.outputs)
        if reader is not None and calls[reader] == 1:
            rests[call.layer] = _move(call.layer, reader, level)
    return rests


def _is_plain(call, producers, calls):
    """Whether it is a `Rescaling` of the images by one factor and offset."""
    layer = call.layer
    return (
        type(layer) is keras.layers.Rescaling
        and calls[layer] == 1
        and type(producers[call.inputs[0]].layer) is keras.layers.InputLayer
        and np.size(layer.scale) == np.size(layer.offset) == 1
        and bool(layer.scale)
    )


def _only_reader(call, readers, outputs):
    """The one layer that reads it, if its bias can make up for changes."""
    if call.outputs[0] in outputs:
        return None
    found = readers[call.outputs[0]]
    if len(found) == 1 and type(found[0].layer) is keras.layers.ZeroPadding2D:
        found = readers[found[0].outputs[0]]
    if len(found) != 1 or type(found[0].layer) not in WEIGHTED:
        return None
    reader = found[0].layer
    usable = reader.use_bias and getattr(reader, "groups", 1) == 1
    return reader if usable else None


def _move(layer, reader, level):
    factor = float(layer.scale)
    kernel = to_numpy(reader.kernel)
    reader.kernel.assign((kernel * factor).astype(kernel.dtype))
    offset = float(layer.offset) / factor
    layer.scale = 1.0
    layer.offset = float(np.round(offset / level) * level)
    return offset - layer.offset
