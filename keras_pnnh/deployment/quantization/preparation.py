"""A network with kernels and biases that survive rounding to integers.

Cross-layer equalisation and bias correction are those of Nagel et al. 2019
(arXiv 1906.04721), kernels are rounded number by number for what they read, as
Nair and Suggala 2024 (arXiv 2406.17542) do. Since kernels have a scale for
each output channel in all runtimes and activations have one in all, the ranges
that are equalised are those of the activations, balanced with the kernels that
read them (Xiao et al. 2022, arXiv 2211.10438).
"""

import keras
import numpy as np

from keras_pnnh.deployment.quantization.correction import round_layers
from keras_pnnh.deployment.quantization.links import find_links
from keras_pnnh.deployment.quantization.statistics import measure_inputs
from keras_pnnh.graph.layer_copies import to_numpy

# Share of the logarithm of an activation's range that the kernel takes over.
BALANCE = 0.5
ROUNDING = 64  # images for kernels and biases


def prepare(
    model: keras.Model, images: np.ndarray, pairs: bool = False
) -> keras.Model:
    """A copy of a folded model, equalised, rounded and corrected.

    Kernels are those of the file; biases make up for what they and the
    activations lose.

    Args:
        model: A functional or sequential `keras.Model`, folded.
        images: Calibration images.
        pairs: Whether the runtime adds products of neighbours in 16 bits.

    Returns:
        An uncompiled model of the same layers.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    equalize(copy, images)
    round_layers(copy, images[:ROUNDING], pairs)
    return copy


def equalize(model: keras.Model, images: np.ndarray) -> None:
    """Scale channels between layers, exactly, to ranges of one size.

    Args:
        model: Changed in place.
        images: Calibration images.
    """
    inputs = measure_inputs(model, images)
    for first, second in find_links(model):
        kernel = to_numpy(second.kernel)
        depthwise = isinstance(second, keras.layers.DepthwiseConv2D)
        ranges = inputs[second].largest.astype("float64")
        alive = ranges > 1e-6 * ranges.max()
        if kernel.shape[-2] != len(ranges) or not alive.any():
            continue
        scales = np.ones_like(ranges)
        if depthwise:  # a channel's kernel has a scale of its own
            scales[alive] = ranges[alive]
        else:
            axes = tuple(
                axis for axis in range(kernel.ndim) if axis != kernel.ndim - 2
            )
            widths = np.abs(kernel).max(axes).astype("float64")
            alive &= widths > 0
            scales[alive] = ranges[alive] ** BALANCE / widths[alive] ** (
                1 - BALANCE
            )
        # What never fires keeps its place among the others.
        scales[~alive] = np.median(scales[alive]) if alive.any() else 1
        scales /= np.exp(np.log(scales).mean())
        _divide_outputs(first, scales)
        second.kernel.assign((kernel * scales[:, None]).astype(kernel.dtype))


def _divide_outputs(layer, scales):
    kernel = to_numpy(layer.kernel)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        divided = kernel / scales[:, None]
    else:
        divided = kernel / scales
    layer.kernel.assign(divided.astype(kernel.dtype))
    if layer.use_bias:
        bias = to_numpy(layer.bias)
        layer.bias.assign((bias / scales).astype(bias.dtype))
