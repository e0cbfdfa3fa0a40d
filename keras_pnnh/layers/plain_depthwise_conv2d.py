"""The plain depthwise convolution: the code passes it channel by channel."""

import keras
import numpy as np
from keras import ops

from keras_pnnh.layers._checks import (
    check_positive_integers,
    resolve_data_format,
)
from keras_pnnh.layers._initial_values import he_values

NORMS = ("learner", "sum", None)


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainDepthwiseConv2D(keras.layers.Layer):
    """Depthwise convolution that adds a learner and the code as it is.

    The middle layer of PNNH's inverted residual (arXiv 2402.08645; the form
    is a reconstruction). A depthwise kernel mixes no channels, so all that a
    coder can do here is to pass its code on: a Dirac impulse at the centre tap
    of the channels that hold the code, which are the leading ones. There is
    nothing to share, hence no matrix to be called with. It always folds to one
    `DepthwiseConv2D` with bias (`keras_pnnh.fold`):

    | `norm`      | output                                      |
    |-------------|---------------------------------------------|
    | `"learner"` | `BN(L * x) + coder_scale x` (on the code)   |
    | `"sum"`     | `BN((L + Dirac) * x)`                       |
    | `None`      | `(L + Dirac) * x + bias`                    |

    Padding is symmetric, as in `PlainConv2D`: the centre tap reads the pixel
    that a strided shortcut reads. There is no `"kernel"` norm: its scale
    counts on rectified inputs of unit variance, and one channel has no others
    to average with.

    Args:
        kernel_size: Odd size of the square kernel.
        strides: Stride on both axes.
        code_filters: How many of the leading channels hold the code; 0 for a
            layer of the plain baseline or of the residual twin.
        norm: Where the batch normalisation stands, see above.
        learner_gain: Scale of the learner at the start, relative to He's
            initialisation: the initial gamma with `norm="learner"`, a factor
            on the initial kernel otherwise.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.
        data_format: As in `keras.layers.DepthwiseConv2D`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, or channels first.
        training: Whether the normalisation uses the batch's statistics.

    Output shape: `(batch, ceil(height / strides), ceil(width / strides),
    channels)`, or channels first.

    Raises:
        ValueError: For an even kernel, an unknown norm, or a code wider than
            the input.
    """

    def __init__(
        self,
        kernel_size=3,
        strides=1,
        code_filters=0,
        norm: str | None = "learner",
        learner_gain=1.0,
        momentum=0.9,
        epsilon=1e-5,
        data_format=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive_integers(kernel_size=kernel_size, strides=strides)
        if kernel_size % 2 == 0:
            raise ValueError(
                "The code needs a centre tap, so `kernel_size` must be odd. "
                f"Received: kernel_size={kernel_size}. Try {kernel_size + 1}."
            )
        if not isinstance(code_filters, int) or code_filters < 0:
            raise ValueError(
                "`code_filters` must be 0 or a positive integer. "
                f"Received: code_filters={code_filters!r}."
            )
        if norm not in NORMS:
            raise ValueError(
                f"`norm` of a depthwise layer must be one of {NORMS}. "
                f"Received: norm={norm!r}."
            )
        self.kernel_size = kernel_size
        self.strides = strides
        self.code_filters = code_filters
        self.norm = norm
        self.learner_gain = learner_gain
        self.momentum = momentum
        self.epsilon = epsilon
        self.data_format = resolve_data_format(data_format)
        self._channel_axis = 1 if self.data_format == "channels_first" else -1
        self.batch_norm = None
        self.coder_scale = None
        self.bias = None

    def build(self, inputs_shape):
        channels = inputs_shape[self._channel_axis]
        if self.code_filters > channels:
            raise ValueError(
                f"The code must fit into the {channels} channels of layer "
                f"'{self.name}'. Received: code_filters={self.code_filters}. "
                "Make the code narrower or the layer before it wider."
            )
        gain = 1.0 if self.norm == "learner" else self.learner_gain
        size = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, size, channels, 1),
            # Keras counts all channels to the fan-in; each output reads one.
            initializer=he_values(gain**2 * channels),
        )
        if self.norm == "learner" and self.code_filters:
            self.coder_scale = self.add_weight(
                name="coder_scale",
                shape=(self.code_filters,),
                initializer="ones",
            )
        if self.norm is None:
            self.bias = self.add_weight(
                name="bias", shape=(channels,), initializer="zeros"
            )
        else:
            self._build_batch_norm(inputs_shape)

    def _build_batch_norm(self, inputs_shape):
        gamma = self.learner_gain if self.norm == "learner" else 1.0
        self.batch_norm = keras.layers.BatchNormalization(
            axis=self._channel_axis,
            momentum=self.momentum,
            epsilon=self.epsilon,
            gamma_initializer=keras.initializers.Constant(gamma),
            dtype=self.dtype_policy,
            name="batch_norm",
        )
        self.batch_norm.build(self.compute_output_shape(inputs_shape))

    def call(self, inputs, training=None):
        kernel = ops.convert_to_tensor(self.kernel)
        if self.code_filters and self.norm != "learner":
            kernel = kernel + self._dirac(kernel.dtype)
        outputs = self._convolve(inputs, kernel)
        if self.batch_norm is not None:
            outputs = self.batch_norm(outputs, training=training)
        if self.bias is not None:
            outputs = outputs + self._along_channels(self.bias)
        if self.coder_scale is not None:
            spare = self.kernel.shape[2] - self.code_filters
            scale = ops.pad(
                ops.convert_to_tensor(self.coder_scale), [(0, spare)]
            )
            code = self._subsample(inputs) * self._along_channels(scale)
            outputs = outputs + code
        return outputs

    def _dirac(self, dtype):
        """1 at the centre tap of the channels that hold the code."""
        kernel = np.zeros(self.kernel.shape)
        centre = self.kernel_size // 2
        kernel[centre, centre, : self.code_filters] = 1
        return ops.convert_to_tensor(kernel, dtype)

    def _convolve(self, inputs, kernel):
        border = (self.kernel_size // 2,) * 2
        padding = "same"
        if self.strides > 1:
            paddings = [(0, 0), border, border, (0, 0)]
            if self._channel_axis == 1:
                paddings = [(0, 0), (0, 0), border, border]
            inputs, padding = ops.pad(inputs, paddings), "valid"
        return ops.depthwise_conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=padding,
            data_format=self.data_format,
        )

    def _subsample(self, inputs):
        step = slice(None, None, self.strides)
        if self._channel_axis == 1:
            return inputs[:, :, step, step]
        return inputs[:, step, step, :]

    def _along_channels(self, vector):
        vector = ops.convert_to_tensor(vector)
        if self._channel_axis == 1:
            return ops.reshape(vector, (-1, 1, 1))
        return vector

    def compute_output_shape(self, inputs_shape):
        sizes = [2, 3] if self._channel_axis == 1 else [1, 2]
        return tuple(
            -(-size // self.strides) if axis in sizes and size else size
            for axis, size in enumerate(inputs_shape)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "code_filters": self.code_filters,
            "norm": self.norm,
            "learner_gain": self.learner_gain,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "data_format": self.data_format,
        }
