"""The kernel and bias of a folded convolution, computed in float64."""

import keras
import numpy as np

from keras_pnnh import theory
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import PlainConv2D, PlainDepthwiseConv2D


def folded_kernel(layer, matrix=None, learner=None, norm=None):
    """Kernel and bias that compute a convolution and what folds into it.

    Args:
        layer: A `PlainConv2D`, `PlainDepthwiseConv2D`, `Conv2D` or
            `DepthwiseConv2D`.
        matrix: The `CoderMatrix` that a `PlainConv2D` is called with.
        learner: The `LearnerKernel` that it is called with.
        norm: The `BatchNormalization` behind the layer.

    Returns:
        Kernel, in the layout of the layer's own, and bias.
    """
    if learner is None:
        kernel = _numbers(layer.kernel)
    else:
        kernel = _numbers(learner.shared.kernel)[:, :, : learner.channels]
    bias = None if layer.bias is None else _numbers(layer.bias)
    shape = kernel.shape
    depthwise = (keras.layers.DepthwiseConv2D, PlainDepthwiseConv2D)
    if isinstance(layer, depthwise):
        # Output channel `c * multiplier + m` has kernel `[..., c, m]`.
        kernel = kernel.reshape(*shape[:2], 1, -1)
    if isinstance(layer, (PlainConv2D, PlainDepthwiseConv2D)):
        carried = _carried(layer, matrix)
        kernel, bias = _plain_kernel(layer, kernel, bias, carried)
    if norm is not None:
        kernel, bias = _with_norm(kernel, bias, norm)
    if isinstance(layer, depthwise):
        kernel = kernel.reshape(shape)
    return kernel, bias


def _carried(layer, matrix):
    """What a plain layer adds at its centre tap, without its scale."""
    if isinstance(layer, PlainDepthwiseConv2D):
        return np.ones((1, layer.code_filters))
    return None if matrix is None else coder_numbers(matrix)


def _plain_kernel(layer, kernel, bias, carried):
    if layer.norm == "kernel":
        kernel = theory.standardize_kernel(kernel, _numbers(layer.gamma))
    if layer.norm == "learner":
        kernel, bias = _with_norm(kernel, bias, layer.batch_norm)
    if isinstance(layer, PlainConv2D):
        kernel, bias = _beside_code(layer, kernel, bias)
    coder = None
    if carried is not None:
        coder = theory.pad_channels(carried, *kernel.shape[2:])
        if layer.coder_scale is not None:
            scale = _numbers(layer.coder_scale)
            coder[:, : len(scale)] *= scale
        kernel = theory.merge_coder(kernel, coder)
    if layer.norm == "sum":
        kernel, bias = _with_norm(kernel, bias, layer.batch_norm)
    return kernel, bias


def _beside_code(layer, kernel, bias):
    """The learner's kernel and bias, with zeros in the code's channels."""
    channels, filters = layer.code_channels, layer.code_filters
    kernel = np.pad(kernel, ((0, 0), (0, 0), (channels, 0), (filters, 0)))
    if layer.norm == "learner":
        bias = np.pad(bias, (filters, 0))
    return kernel, bias


def _with_norm(kernel, bias, norm):
    return theory.fold_norm(
        kernel,
        bias,
        _numbers(norm.gamma) if norm.scale else None,
        _numbers(norm.beta) if norm.center else None,
        _numbers(norm.moving_mean),
        _numbers(norm.moving_variance),
        norm.epsilon,
    )


def coder_numbers(matrix):
    if matrix.part == "encoder":
        return _numbers(matrix.coder.encoder)[: matrix.channels]
    if matrix.part == "code":
        return np.eye(matrix.coder.code_filters)
    return _numbers(matrix.coder.decoder)


def _numbers(variable):
    return to_numpy(variable).astype("float64")
