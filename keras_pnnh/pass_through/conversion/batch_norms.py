"""A batch norm in inference is a factor and an offset per channel."""

import numpy as np

from keras_pnnh.graph.layer_copies import to_numpy


def scale_and_bias(layer):
    """Arrays in float64: what a `BatchNormalization` multiplies and adds."""
    mean, variance = (
        to_numpy(weight).astype("float64")
        for weight in (layer.moving_mean, layer.moving_variance)
    )
    # float64: rounding in 1 / sqrt(variance) compounds over the depth.
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * to_numpy(layer.gamma).astype("float64")
    bias = -mean * scale
    if layer.center:
        bias = bias + to_numpy(layer.beta).astype("float64")
    return scale, bias
