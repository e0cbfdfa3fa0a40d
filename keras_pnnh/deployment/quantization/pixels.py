"""Pixels that keep all their levels when a `Rescaling` is in integers.

0 to 255 brought to -1 to 1 has no pixel at zero, but integers must have one:
all pixels then lie halfway between two of them, and a runtime rounds every
second one up, or all, each in its own way.
"""

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment.quantization.links import WEIGHTED


def offsets_to_grid(
    model: keras.Model, images: np.ndarray
) -> dict[keras.layers.Layer, float]:
    """Move each offset of the images by less than one level, to one of them.

    The layer that reads them must make up for it by its bias, as
    `correction.round_layers` lets it do.

    Args:
        model: A functional or sequential model; changed in place.
        images: Calibration images.

    Returns:
        Dictionary from a `Rescaling` to what its offset was before.
    """
    span = float(images.max()) - float(images.min())
    network = graph.read(model)
    readers = network.readers()
    moved = {}
    for call in network.calls:
        if type(call.layer) is not keras.layers.InputLayer:
            continue
        for scaling in readers[call.outputs[0]]:
            layer = scaling.layer
            if type(layer) is not keras.layers.Rescaling:
                continue
            if np.size(layer.scale) != 1 or np.size(layer.offset) != 1:
                continue
            level = abs(float(layer.scale)) * span / 255
            if level and _has_bias(scaling, readers):
                moved[layer] = float(layer.offset)
                layer.offset = float(np.round(layer.offset / level) * level)
    return moved


def _has_bias(scaling, readers):
    """Whether one layer reads it that can make up for the offset."""
    found = readers[scaling.outputs[0]]
    if len(found) == 1 and type(found[0].layer) is keras.layers.ZeroPadding2D:
        found = readers[found[0].outputs[0]]
    return (
        len(found) == 1
        and type(found[0].layer) in WEIGHTED
        and found[0].layer.use_bias
    )
