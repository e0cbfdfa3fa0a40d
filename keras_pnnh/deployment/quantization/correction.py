"""Kernels rounded to integers, and biases that make up for it."""

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment.quantization.levels import LEVELS, levels_for_pairs
from keras_pnnh.deployment.quantization.links import WEIGHTED
from keras_pnnh.deployment.quantization.pixels import move_to_grid
from keras_pnnh.deployment.quantization.rounding import (
    in_8_bits,
    round_for_inputs,
)
from keras_pnnh.graph.layer_copies import to_numpy


def round_layers(
    model: keras.Model, images: np.ndarray, pairs: bool = False
) -> None:
    """Round kernels, and take the mean of what it adds off the biases.

    Images run through the network twice side by side, exactly and as the
    rounded layers before leave them, so that a layer also makes up for those
    (Nagel et al. 2019, arXiv 1906.04721, section 4.2). Kernels are rounded
    for the inputs that they then have (see `round_for_inputs`). Pixels are
    scaled to where they keep their levels (see `move_to_grid`).

    Args:
        model: A functional or sequential model; changed in place.
        images: Calibration images, some dozens.
        pairs: Whether the runtime adds products of neighbours in 16 bits.
    """
    rests, times = move_to_grid(model, images), {}
    for call in graph.read(model).calls:
        times[call.layer] = times.get(call.layer, 0) + 1

    def run(layer, args, kwargs):
        if layer in rests:
            exact, rough = keras.ops.split(layer(*args, **kwargs), 2)
            return keras.ops.concatenate([exact + rests[layer], rough])
        if (
            type(layer) not in WEIGHTED
            or times[layer] > 1
            or getattr(layer, "groups", 1) > 1
        ):
            return layer(*args, **kwargs)
        exact, rough = np.split(keras.ops.convert_to_numpy(args[0]), 2)
        return _round_layer(layer, exact, in_8_bits(rough), pairs)

    images = np.concatenate([images, images])
    given = keras.ops.convert_to_tensor(images, dtype=model.inputs[0].dtype)
    graph.replay(model, [given], run)


def _round_layer(layer, exact, rough, pairs):
    """Outputs of the layer, and of the layer in 8 bits, one after the other."""
    activation, layer.activation = layer.activation, keras.activations.linear
    wanted = keras.ops.convert_to_numpy(layer(exact))
    kernel = to_numpy(layer.kernel)
    pairs = pairs and not isinstance(layer, keras.layers.DepthwiseConv2D)
    levels = levels_for_pairs(kernel) if pairs else LEVELS
    layer.kernel.assign(round_for_inputs(layer, kernel, rough, levels, pairs))
    made = keras.ops.convert_to_numpy(layer(rough))
    layer.activation = activation
    if layer.use_bias:
        axes = list(range(made.ndim))
        axes.pop(1 if _channels_first(layer) else -1)
        shift = made.mean(tuple(axes), dtype="float64")
        shift -= wanted.mean(tuple(axes), dtype="float64")
        bias = to_numpy(layer.bias)
        layer.bias.assign((bias - shift).astype(bias.dtype))
        places = made.ndim - 2 if _channels_first(layer) else 0
        shape = [-1] + [1] * places
        made = made - shift.reshape(shape).astype(made.dtype)
    both = np.concatenate([wanted, made])
    return activation(keras.ops.convert_to_tensor(both))


def _channels_first(layer):
    return getattr(layer, "data_format", None) == "channels_first"
