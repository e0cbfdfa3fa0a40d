"""Biases corrected for what rounding to 8 bits adds, layer by layer."""

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment.quantization.links import WEIGHTED
from keras_pnnh.graph.layer_copies import to_numpy

LEVELS = 127


def correct_biases(model: keras.Model, images: np.ndarray) -> None:
    """Take the mean of what rounding adds to the outputs off the biases.

    Images run through the network twice side by side, exactly and as the
    rounded layers before leave them, so that a layer also makes up for those
    (Nagel et al. 2019, arXiv 1906.04721, section 4.2).

    Args:
        model: A functional or sequential model; changed in place.
        images: Calibration images, some dozens.
    """
    times = {}
    for call in graph.read(model).calls:
        times[call.layer] = times.get(call.layer, 0) + 1

    def run(layer, args, kwargs):
        if (
            type(layer) not in WEIGHTED
            or times[layer] > 1
            or not layer.use_bias
            or getattr(layer, "groups", 1) > 1
        ):
            return layer(*args, **kwargs)
        exact, rough = np.split(keras.ops.convert_to_numpy(args[0]), 2)
        return _correct(layer, exact, in_8_bits(rough))

    images = np.concatenate([images, images])
    given = keras.ops.convert_to_tensor(images, dtype=model.inputs[0].dtype)
    graph.replay(model, [given], run)


def _correct(layer, exact, rough):
    """Outputs of the layer, and of the layer in 8 bits, one after the other."""
    activation, layer.activation = layer.activation, keras.activations.linear
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    wanted = keras.ops.convert_to_numpy(layer(exact))
    kernel = to_numpy(layer.kernel)
    layer.kernel.assign(round_kernel(kernel, depthwise))
    made = keras.ops.convert_to_numpy(layer(rough))
    layer.kernel.assign(kernel)
    layer.activation = activation
    axes = list(range(made.ndim))
    axes.pop(1 if _channels_first(layer) else -1)
    shift = (made - wanted).mean(tuple(axes), dtype="float64")
    bias = to_numpy(layer.bias)
    layer.bias.assign((bias - shift).astype(bias.dtype))
    shape = [-1] + [1] * (made.ndim - 2 if _channels_first(layer) else 0)
    made = made - shift.reshape(shape).astype(made.dtype)
    both = np.concatenate([wanted, made])
    return activation(keras.ops.convert_to_tensor(both))


def _channels_first(layer):
    return getattr(layer, "data_format", None) == "channels_first"


def round_kernel(kernel: np.ndarray, depthwise: bool) -> np.ndarray:
    """A kernel as a runtime rounds it: a scale for each output channel."""
    axes = tuple(range(kernel.ndim - (2 if depthwise else 1)))
    scale = np.abs(kernel).max(axes, keepdims=True) / LEVELS
    scale[scale == 0] = 1
    return np.round(kernel / scale) * scale


def in_8_bits(values: np.ndarray) -> np.ndarray:
    """An array as a runtime keeps it: one scale and one zero point."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    scale = (high - low) / 255
    if not scale:
        return values
    zero = np.round(-low / scale)
    levels = np.clip(np.round(values / scale) + zero, 0, 255)
    return ((levels - zero) * scale).astype(values.dtype)
