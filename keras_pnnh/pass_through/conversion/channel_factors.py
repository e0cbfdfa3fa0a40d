"""What each channel is multiplied by, and what is added to it."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.graph import Tensor
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.pass_through.conversion.operations import (
    channel_axis,
    channels_of,
)


def affine_of(call: Any, axis: int) -> Any:
    """What a call multiplies its only input by, and what it adds.

    Args:
        call: `graph.Call` with one input.
        axis: Axis of the channels of images.

    Returns:
        Pair of float64 arrays, one number per channel each, or None for a call
        that does something else.
    """
    pair = _pair(call)
    if pair is None:
        return None
    tensor = call.inputs[0]
    scale, offset = (_vector(value, tensor, axis) for value in pair)
    return None if scale is None or offset is None else (scale, offset)


def _pair(call):
    layer = call.layer
    name, package = type(layer).__name__, type(layer).__module__
    if type(layer) is keras.layers.Rescaling:
        return layer.scale, layer.offset
    if not package.startswith("keras."):
        return None
    if name == "LayerScale":  # of `keras.applications.ConvNeXtTiny`
        return layer.gamma, 0.0
    if name == "Negative":
        return -1.0, 0.0
    operands = [*call.args, *call.kwargs.values()]
    if isinstance(layer, keras.layers.Layer) or len(operands) != 2:
        return None
    first = isinstance(operands[0], Tensor)
    constant = operands[1 if first else 0]
    if isinstance(constant, Tensor):
        return None
    if name == "Multiply":
        return constant, 0.0
    if name == "Add":
        return 1.0, constant
    if name == "Subtract":
        return (1.0, -_array(constant)) if first else (-1.0, constant)
    if name in ("Divide", "TrueDivide") and first:
        return 1 / _array(constant), 0.0
    return None


def _array(constant):
    if not isinstance(constant, (int, float, list, tuple, np.ndarray)):
        constant = to_numpy(constant)
    return np.asarray(constant, "float64")


def _vector(constant, tensor, axis):
    """One number per channel, or None for a constant that varies otherwise."""
    constant, rank = _array(constant), len(tensor.shape)
    channels = channels_of(tensor, axis)
    if constant.ndim > rank or channels is None:
        return None
    constant = constant.reshape((1,) * (rank - constant.ndim) + constant.shape)
    place = channel_axis(tensor, axis)
    if constant.size not in (1, channels):
        return None
    if constant.size != constant.shape[place]:
        return None
    return np.broadcast_to(constant.reshape(-1), channels).copy()


def scale_and_bias(layer: Any) -> tuple[Any, Any]:
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
