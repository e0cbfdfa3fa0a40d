"""Layers on images and feature maps as operations."""

from typing import Any

import keras

from keras_pnnh.graph import Tensor
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import ZeroPaddingShortcut
from keras_pnnh.pass_through.conversion.channel_factors import scale_and_bias
from keras_pnnh.pass_through.conversion.operation_list import OperationList
from keras_pnnh.pass_through.conversion.operations import (
    channels_of,
    pixels_of,
)

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_POOLINGS = (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)
_NO_PADDING = ((0, 0), (0, 0))


class ImageLayers(OperationList):
    """Reads the layers whose input is a batch of images."""

    def __init__(self, network: Any, data_format: str) -> None:
        super().__init__(network, data_format)
        self._padded = {}  # a padded tensor: what was padded, how, by whom

    def read_image_layer(self, call: Any) -> None:
        layer = call.layer
        if type(layer) in _CONVOLUTIONS:
            self._convolution(call)
        elif type(layer) is keras.layers.Dense and self.axis == 3:
            self._pixelwise_dense(call)
        elif type(layer) is keras.layers.BatchNormalization:
            self._norm(call)
        elif type(layer) is keras.layers.ZeroPadding2D:
            self._pad(call)
        elif type(layer) is keras.layers.Cropping2D:
            cropping = tuple(tuple(-n for n in pair) for pair in layer.cropping)
            self.linear(call, "identity", padding=cropping, layer=layer)
        elif type(layer) is keras.layers.MaxPooling2D:
            kind = "identity" if layer.pool_size == (1, 1) else "max"
            self._pool(call, kind)
        elif type(layer) is keras.layers.AveragePooling2D:
            self._pool(call, "average")
        elif type(layer) is ZeroPaddingShortcut:
            self._zero_padding_shortcut(call)
        else:
            self.whole(call)

    def _with_pixels(self, tensor, pixels, channels):
        """A new tensor like another one."""
        shape = [tensor.shape[0], *pixels]
        shape.insert(self.axis, channels)
        return Tensor(tuple(shape))

    def _convolution(self, call):
        layer = call.layer
        source, padding, padding_name = self._padding(call)
        target = call.outputs[0]
        middle = self.before_activation(layer, target)
        geometry = {
            "kernel_size": tuple(layer.kernel_size),
            "strides": tuple(layer.strides),
            "padding": padding,
            "padding_name": padding_name,
            "dilation_rate": tuple(layer.dilation_rate),
        }
        bias = to_numpy(layer.bias) if layer.use_bias else None
        filters = channels_of(target, self.axis)
        if type(layer) is keras.layers.SeparableConv2D:
            kernel = to_numpy(layer.depthwise_kernel)
            inner = kernel.shape[2] * kernel.shape[3]
            pixels = pixels_of(target, self.axis)
            between = self._with_pixels(target, pixels, inner)
            entries = {"filters": inner, "kernel": kernel, **geometry}
            depthwise = f"{layer.name}_depthwise"
            self.append_linear(depthwise, source, between, "depthwise", entries)
            source, geometry = between, {}
            kernel = to_numpy(layer.pointwise_kernel)
        else:
            kernel = to_numpy(layer.kernel)
        kind = "conv"
        if type(layer) is keras.layers.DepthwiseConv2D:
            kind = "depthwise"
        elif type(layer) is keras.layers.Conv2D:
            geometry["groups"] = layer.groups
        entries = {
            "filters": filters,
            "kernel": kernel,
            "bias": bias,
            **geometry,
        }
        self.append_linear(layer.name, source, middle, kind, entries)
        self.activate_fused(layer, middle, target)

    def _padding(self, call):
        """What a layer reads once the padding before it is its own."""
        layer, tensor = call.layer, call.inputs[0]
        padding = layer.padding if layer.padding == "same" else _NO_PADDING
        if tensor not in self._padded:
            return self.tensor(tensor), padding, None
        source, padding, name = self._padded[tensor]
        return source, padding, name

    def _pad(self, call):
        """Padding of zeros, left to its readers if they can do it."""
        tensor = call.outputs[0]
        padding = tuple(tuple(pair) for pair in call.layer.padding)
        readers = self.readers[tensor]
        if readers and all(
            reader is not None
            and type(reader.layer) in _CONVOLUTIONS + _POOLINGS
            and reader.layer.padding == "valid"
            for reader in readers
        ):
            source = self.tensor(call.inputs[0])
            self._padded[tensor] = (source, padding, call.layer.name)
            return
        self.linear(call, "identity", padding=padding, layer=call.layer)

    def _pixelwise_dense(self, call):
        layer, target = call.layer, call.outputs[0]
        middle = self.before_activation(layer, target)
        entries = {
            "filters": layer.units,
            "kernel": to_numpy(layer.kernel)[None, None],
            "bias": to_numpy(layer.bias) if layer.use_bias else None,
        }
        source = self.tensor(call.inputs[0])
        self.append_linear(layer.name, source, middle, "conv", entries)
        self.activate_fused(layer, middle, target)

    def _norm(self, call):
        layer = call.layer
        if layer.axis % 4 != self.axis:
            self.whole(call)
            return
        scale, bias = scale_and_bias(layer)
        self.linear(call, "scale", kernel=scale, bias=bias, layer=layer)

    def _pool(self, call, kind):
        layer, target = call.layer, call.outputs[0]
        source, padding, padding_name = self._padding(call)
        entries = {
            "filters": channels_of(target, self.axis),
            "kernel_size": tuple(layer.pool_size),
            "strides": tuple(layer.strides),
            "padding": padding,
            "padding_name": padding_name,
            "layer": layer,
        }
        self.append_linear(layer.name, source, target, kind, entries)

    def _zero_padding_shortcut(self, call):
        """Subsampling, then channels of zeros, which need not pass through."""
        layer, source = call.layer, self.tensor(call.inputs[0])
        target = call.outputs[0]
        if layer.strides > 1:
            channels = channels_of(source, self.axis)
            pixels = pixels_of(target, self.axis)
            between = self._with_pixels(target, pixels, channels)
            entries = {"filters": channels, "strides": (layer.strides,) * 2}
            name = f"{layer.name}_subsample"
            self.append_linear(name, source, between, "identity", entries)
            source = between
        entries = {"filters": layer.filters}
        self.append_linear(layer.name, source, target, "identity", entries)
