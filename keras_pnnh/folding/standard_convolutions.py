"""Keras's own convolutions, and the norm after any of them."""

from typing import Any

import keras

from keras_pnnh.graph.layer_copies import new_convolution
from keras_pnnh.layers.values import fold_batch_norm, numbers


def linear_copy(layer: Any, name: str) -> Any:
    """A convolution like `layer`, with a bias and with weights to be set."""
    arguments = {
        "kernel_size": layer.kernel_size,
        "strides": layer.strides,
        "padding": layer.padding,
        "dilation_rate": layer.dilation_rate,
        "data_format": layer.data_format,
        "dtype": layer.dtype_policy,
        "trainable": layer.trainable,
        "name": name,
    }
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        arguments["depth_multiplier"] = layer.depth_multiplier
        return new_convolution(keras.layers.DepthwiseConv2D, **arguments)
    arguments["groups"] = layer.groups
    arguments["filters"] = layer.filters
    return new_convolution(keras.layers.Conv2D, **arguments)


def kernel_and_bias(layer: Any) -> list[Any]:
    """Those of a `Conv2D` or `DepthwiseConv2D`; no bias is None."""
    bias = None if layer.bias is None else numbers(layer.bias)
    return [numbers(layer.kernel), bias]


def with_norm(weights: Any, norm: Any, depthwise: Any) -> Any:
    """Kernel and bias with a norm after them, computed in float64.

    Args:
        weights: Kernel and bias, or None for no bias, as Keras lays them out.
        norm: The `BatchNormalization`.
        depthwise: Whether the kernel is that of a `DepthwiseConv2D`.
    """
    kernel, bias = weights
    shape = kernel.shape
    if depthwise:
        # Output channel `c * multiplier + m` has kernel `[..., c, m]`.
        kernel = kernel.reshape(*shape[:2], 1, -1)
    kernel, bias = fold_batch_norm(kernel, bias, norm)
    return [kernel.reshape(shape), bias]
