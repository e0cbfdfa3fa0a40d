"""The plain depthwise convolution: the code passes it channel by channel."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh.layers._checks import check_integer
from keras_pnnh.layers._initial_values import he_values
from keras_pnnh.layers._plain_convolution import PlainConvolution
from keras_pnnh.layers.values import (
    draw_batch_norm,
    fold_batch_norm,
    numbers,
)

NORMS = ("learner", "sum", None)


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainDepthwiseConv2D(PlainConvolution):
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

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import PlainDepthwiseConv2D
    >>> PlainDepthwiseConv2D(code_filters=2)(keras.Input((8, 8, 6))).shape
    (None, 8, 8, 6)
    """

    folds = True
    norms = NORMS
    _standard_class = keras.layers.DepthwiseConv2D

    def __init__(
        self,
        kernel_size: int = 3,
        strides: int = 1,
        code_filters: int = 0,
        norm: str | None = "learner",
        learner_gain: float = 1.0,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            norm,
            learner_gain,
            momentum,
            epsilon,
            data_format,
            **kwargs,
        )
        check_integer("code_filters", code_filters, least=0)
        self.code_filters = code_filters

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
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
            self._build_batch_norm(self.compute_output_shape(inputs_shape))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        if self.code_filters and self.norm != "learner":
            kernel = kernel + self._dirac(kernel.dtype)
        outputs = self._normalized(self._convolve(inputs, kernel), training)
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
        inputs, padding = self._pad(inputs)
        return ops.depthwise_conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=padding,
            data_format=self.data_format,
        )

    def compute_output_shape(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        channels = inputs_shape[self._channel_axis]
        return self._shape_of_outputs(inputs_shape, channels)

    def _standard_arguments(self):
        return {"depthwise_initializer": "zeros"}

    def count_folded_parameters(self) -> int:
        return math.prod(self.kernel.shape) + self.kernel.shape[2]

    def folded_weights(self, **handed: Any) -> list[np.ndarray]:
        kernel, bias = super().folded_weights(**handed)
        return [np.moveaxis(kernel, 2, 3), bias]

    def _folded_learner(self, handed):
        # Output channel `c` reads input channel `c` alone.
        kernel, bias = np.moveaxis(numbers(self.kernel), 2, 3), None
        if self.norm == "learner":
            kernel, bias = fold_batch_norm(kernel, bias, self.batch_norm)
        return kernel, bias

    def _coder_at_centre(self, handed):
        return np.ones((1, self.code_filters))

    def _coder_between_channels(self, handed):
        return np.eye(self.code_filters) if self.code_filters else None

    def draw_outputs(self, inputs: Any, generator: Any, **handed: Any) -> Any:
        if inputs is None:
            return None
        return super().draw_outputs(inputs, generator, **handed)

    def _draw_learner(self, inputs, generator, handed):
        """Every channel by itself: normal draws of the right scale."""
        squares = np.sum(numbers(self.kernel) ** 2, axis=(0, 1, 3))
        variance = squares * np.mean(inputs**2, axis=1)
        outputs = generator.standard_normal(inputs.shape)
        outputs = outputs * np.sqrt(variance)[:, None]
        if self.norm == "learner":
            outputs = draw_batch_norm(outputs, self.batch_norm)
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "code_filters": self.code_filters}
