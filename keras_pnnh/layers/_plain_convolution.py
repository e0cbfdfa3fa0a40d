"""What the two plain convolutions share: norm, padding, folding, theory."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh import theory
from keras_pnnh.layers._checks import (
    check_number,
    check_positive_integers,
    resolve_data_format,
)
from keras_pnnh.layers.plain_layer import PlainLayer
from keras_pnnh.layers.values import (
    draw_batch_norm,
    fold_batch_norm,
    numbers,
)


class PlainConvolution(PlainLayer):
    """A convolution with a norm, to which something is added at its centre.

    A subclass convolves, and says what its learner is and what is added, as
    numbers (`_folded_learner`, `_coder_at_centre`) and as draws
    (`_draw_learner`, `_coder_between_channels`). Padding is symmetric,
    `kernel_size // 2` zeros on each side.

    Args:
        kernel_size: Odd size of the square kernel.
        strides: Stride on both axes.
        norm: One of `norms`.
        learner_gain: Scale of the learner at the start.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.
        data_format: As in `keras.layers.Conv2D`.
    """

    absorbs_norm = True
    inner_layers = ("batch_norm",)
    norms: tuple[Any, ...] = ()
    _standard_class: type[keras.layers.Layer] = keras.layers.Conv2D

    def __init__(
        self,
        kernel_size: int,
        strides: int,
        norm: Any,
        learner_gain: float,
        momentum: float,
        epsilon: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(kernel_size=kernel_size, strides=strides)
        if kernel_size % 2 == 0:
            raise ValueError(
                "The coder needs a centre tap, so `kernel_size` must be odd. "
                f"Received: kernel_size={kernel_size}. Try {kernel_size + 1}."
            )
        if norm not in self.norms:
            raise ValueError(
                f"`norm` of a `{type(self).__name__}` must be one of "
                f"{self.norms}. Received: norm={norm!r}."
            )
        check_number("learner_gain", learner_gain)
        check_number("momentum", momentum, least=0, most=1)
        check_number("epsilon", epsilon, least=0)
        self.kernel_size = kernel_size
        self.strides = strides
        self.norm = norm
        self.learner_gain = learner_gain
        self.momentum = momentum
        self.epsilon = epsilon
        self.data_format = resolve_data_format(data_format)
        self._channel_axis = 1 if self.data_format == "channels_first" else -1
        self.kernel = None
        self.batch_norm = None
        self.coder_scale = None
        self.bias = None

    def _build_batch_norm(self, shape):
        gamma = self.learner_gain if self.norm == "learner" else 1.0
        self.batch_norm = keras.layers.BatchNormalization(
            axis=self._channel_axis,
            momentum=self.momentum,
            epsilon=self.epsilon,
            gamma_initializer=keras.initializers.Constant(gamma),
            dtype=self.dtype_policy,
            trainable=self.trains("batch_norm"),
            name="batch_norm",
        )
        self.batch_norm.build(shape)

    def _normalized(self, outputs, training):
        if self.batch_norm is None:
            return outputs
        return self.batch_norm(outputs, training=training)

    def _pad(self, inputs):
        """Inputs with zeros on every side, and the padding that is left."""
        if self.strides == 1:
            return inputs, "same"
        border = (self.kernel_size // 2,) * 2
        paddings = [(0, 0), border, border, (0, 0)]
        if self._channel_axis == 1:
            paddings = [(0, 0), (0, 0), border, border]
        return ops.pad(inputs, paddings), "valid"

    def _subsample(self, inputs):
        """The pixels that the centre taps read."""
        step = slice(None, None, self.strides)
        if self._channel_axis == 1:
            return inputs[:, :, step, step]
        return inputs[:, step, step, :]

    def _along_channels(self, vector):
        vector = ops.convert_to_tensor(vector)
        if self._channel_axis == 1:
            return ops.reshape(vector, (-1, 1, 1))
        return vector

    def _pixels(self, shape):
        """The two axes of a shape that hold rows and columns."""
        return shape[2:4] if self._channel_axis == 1 else shape[1:3]

    def _shape_of_outputs(self, inputs_shape, filters):
        rows, columns = (
            size if size is None else -(-size // self.strides)
            for size in self._pixels(inputs_shape)
        )
        if self._channel_axis == 1:
            return inputs_shape[0], filters, rows, columns
        return inputs_shape[0], rows, columns, filters

    # How it folds.

    def _standard_arguments(self):
        """Those of the standard layer's constructor that are its own."""
        return {}

    def fold_into(self, name: str) -> list[keras.layers.Layer]:
        convolution = self._standard_class(
            kernel_size=self.kernel_size,
            strides=self.strides,
            padding="same" if self.strides == 1 else "valid",
            data_format=self.data_format,
            dtype=self.dtype_policy,
            trainable=self.trainable,
            name=name,
            **self._standard_arguments(),
        )
        if self.strides == 1 or self.kernel_size == 1:
            return [convolution]
        pad = keras.layers.ZeroPadding2D(
            self.kernel_size // 2,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=f"{name}_pad",
        )
        return [pad, convolution]

    def folded_weights(self, **handed: Any) -> list[np.ndarray]:
        kernel, bias = self._folded_learner(handed)
        if self.bias is not None:
            bias = numbers(self.bias)
        coder = self._coder_at_centre(handed)
        if coder is not None:
            coder = theory.pad_channels(coder, *kernel.shape[2:])
            if self.coder_scale is not None:
                scale = numbers(self.coder_scale)
                coder[:, : len(scale)] *= scale
            kernel = theory.merge_coder(kernel, coder)
        if self.norm == "sum":
            kernel, bias = fold_batch_norm(kernel, bias, self.batch_norm)
        return [kernel, bias]

    def _folded_learner(self, handed):
        """Kernel, output channels last, and bias; without what is added."""
        raise NotImplementedError

    def _coder_at_centre(self, handed):
        """What is added to the centre tap, without its scale, or None."""
        raise NotImplementedError

    # What it costs.

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int:
        weights = (
            self.count_folded_parameters() - outputs_shape[self._channel_axis]
        )
        return weights * math.prod(self._pixels(outputs_shape))

    def padded_floats(self, inputs_shape: tuple[Any, ...]) -> int:
        if self.strides == 1 or self.kernel_size == 1:
            return 0
        border = 2 * (self.kernel_size // 2)
        rows, columns = self._pixels(inputs_shape)
        channels = inputs_shape[self._channel_axis]
        return (rows + border) * (columns + border) * channels

    # What theory expects.

    def draw_outputs(self, inputs: Any, generator: Any, **handed: Any) -> Any:
        outputs = self._draw_learner(inputs, generator, handed)
        if self.bias is not None:
            outputs = outputs + numbers(self.bias)[:, None]
        coder = self._coder_between_channels(handed)
        if coder is not None:
            if inputs is None:
                return None
            channels, filters = coder.shape
            carried = coder.T @ inputs[:channels]
            if self.coder_scale is not None:
                scale = numbers(self.coder_scale)[:filters, None]
                carried[: len(scale)] *= scale
            outputs[:filters] += carried
        if self.norm == "sum":
            outputs = draw_batch_norm(outputs, self.batch_norm)
        return outputs.astype("float32")

    def _draw_learner(self, inputs, generator, handed):
        """Draws of what the learner makes, `(filters, draws)`."""
        raise NotImplementedError

    def _coder_between_channels(self, handed):
        """The same, as a matrix from input channels to output channels."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "norm": self.norm,
            "learner_gain": self.learner_gain,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "data_format": self.data_format,
        }
