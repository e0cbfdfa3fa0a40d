"""Convolutions and maxima that pad by themselves, in TensorFlow and torch."""

from typing import Any

import keras

# What it is mixed into is a convolution; the checker cannot know.
_Mixin: Any = object


class _Padded(_Mixin):
    """Pads by `pads`, ((top, bottom), (left, right)), inside of the kernel."""

    def __init__(self, pads, **kwargs):
        super().__init__(padding="valid", **kwargs)
        self.pads = pads

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        first = 2 if self.data_format == "channels_first" else 1
        for axis, pad in enumerate(self.pads, first):
            if shape[axis] is not None:
                shape[axis] += sum(pad)
        return super().compute_output_shape(tuple(shape))

    def _convolve(self, inputs, kernel):
        if keras.backend.backend() == "torch":
            return self._by_torch(inputs, kernel)
        return self._by_tensorflow(inputs, kernel)

    def _by_torch(self, inputs, kernel):
        import torch

        inputs = keras.ops.convert_to_tensor(inputs)
        kernel = keras.ops.convert_to_tensor(kernel)
        first, groups = self.data_format == "channels_first", self._groups()
        if groups is None:
            groups = kernel.shape[2]
            size = kernel.shape[:2]
            kernel = kernel.reshape(*size, 1, -1)
        if not first:
            inputs = inputs.permute(0, 3, 1, 2)
        outputs = torch.nn.functional.conv2d(
            inputs,
            kernel.permute(3, 2, 0, 1),
            stride=self.strides,
            padding=[before for before, _ in self.pads],
            dilation=self.dilation_rate,
            groups=groups,
        )
        return outputs if first else outputs.permute(0, 2, 3, 1)

    def _by_tensorflow(self, inputs, kernel):
        import tensorflow as tf

        # Its annotation knows no explicit padding.
        convolve: Any = tf.nn.conv2d
        if self._groups() is None:
            convolve = tf.nn.depthwise_conv2d
        return convolve(
            inputs,
            tf.convert_to_tensor(kernel),
            strides=[1, *self.strides, 1],
            padding=[[0, 0], *map(list, self.pads), [0, 0]],
            dilations=list(self.dilation_rate),
        )


class PaddedConv2D(_Padded, keras.layers.Conv2D):
    """`Conv2D` that pads by itself."""

    def _groups(self):
        return self.groups

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return self._convolve(inputs, kernel)


class PaddedDepthwiseConv2D(_Padded, keras.layers.DepthwiseConv2D):
    """`DepthwiseConv2D` that pads by itself."""

    def _groups(self):
        return None

    def call(self, inputs: Any) -> Any:
        outputs = self._convolve(inputs, self.kernel)
        if self.use_bias:
            shape = [1, 1, 1, -1]
            if self.data_format == "channels_first":
                shape = [1, -1, 1, 1]
            outputs = outputs + keras.ops.reshape(self.bias, shape)
        return self.activation(outputs)


class PaddedMaxPooling2D(_Padded, keras.layers.MaxPooling2D):
    """`MaxPooling2D` of numbers that are not negative, padding by itself."""

    def call(self, inputs: Any) -> Any:
        if keras.backend.backend() == "torch":
            import torch

            first = self.data_format == "channels_first"
            inputs = keras.ops.convert_to_tensor(inputs)
            if not first:
                inputs = inputs.permute(0, 3, 1, 2)
            outputs = torch.nn.functional.max_pool2d(
                inputs,
                self.pool_size,
                self.strides,
                [before for before, _ in self.pads],
            )
            return outputs if first else outputs.permute(0, 2, 3, 1)
        import tensorflow as tf

        return tf.nn.max_pool2d(
            inputs,
            self.pool_size,
            self.strides,
            [[0, 0], *map(list, self.pads), [0, 0]],
        )
