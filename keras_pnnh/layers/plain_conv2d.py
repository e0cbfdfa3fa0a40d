"""The plain convolution: learner and coder before one non-linearity."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh import theory
from keras_pnnh.layers._checks import check_positive_integers, check_room
from keras_pnnh.layers._handed_kernels import check_coder, check_learner
from keras_pnnh.layers._initial_values import he_values
from keras_pnnh.layers._plain_convolution import PlainConvolution
from keras_pnnh.layers.values import (
    draw_batch_norm,
    fold_batch_norm,
    numbers,
)
from keras_pnnh.theory import kernel_standardization

NORMS = ("learner", "sum", "kernel", None)


def initial_gain(norm: Any, learner_gain: float) -> Any:
    """Factor on the learner's initial kernel: 1 if its norm has the gain."""
    return learner_gain if norm in ("sum", None) else 1.0


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainConv2D(PlainConvolution):
    """Convolution that adds a learner and a coder.

    Computes the argument of the non-linearity in PNNH's layer
    `x' = phi(learner(x) + coder(x))` (arXiv 2402.08645). The learner is this
    layer's own kernel; the coder is a matrix shared by the stage that
    `Coder` hands out. Both are linear, so the layer always folds to one
    convolution with bias (`keras_pnnh.fold`); where the normalisation stands
    decides whether it is one convolution in training, too:

    | `norm`      | output                              | in training      |
    |-------------|-------------------------------------|------------------|
    | `"learner"` | `BN(L * x) + coder_scale (C * x)`   | two convolutions |
    | `"sum"`     | `BN((L + C) * x)`                   | one              |
    | `"kernel"`  | `(WS(L) + coder_scale C) * x + bias`| one              |
    | `None`      | `(L + C) * x + bias`                | one              |

    With `"sum"` the normalisation also centres what the coder carries, which
    fails in deep networks. `"kernel"` normalises the learner's kernel in place
    of its output (scaled weight standardisation, Brock et al. 2021, arXiv
    2101.08692): a learner gain `g` and a coder scale of `sqrt(1 - g^2)` at the
    start, so that the variance neither grows nor vanishes with depth.

    Learner and code share the channels, unless `code_filters` gives the code
    channels of its own in the output, the leading ones, and `code_channels`
    of the next layer keeps its learner off them: a path across two
    non-linearities, `x' = phi(L2 phi(L1 x) + D phi(E x))`, with kernels
    `[E, L1]` and `[D; L2]`. The code's own channels have no `coder_scale`: the
    output is `[C * x, BN(L * x)]` with `"learner"`. With `"sum"` the batch norm
    also covers these channels; with `"kernel"` and None they have a bias.

    Padding is symmetric (`kernel_size // 2` zeros on each side), so the coder
    always sits at the centre tap, at any stride and input size; Keras's
    `"same"` would move it to tap `[0, 0]` for a stride of 2 on even sizes.
    Called without a coder the layer is a convolution with its norm: the layer
    of the plain baseline and of the residual twin.

    Args:
        filters: Output channels.
        kernel_size: Odd size of the square kernel.
        strides: Stride on both axes.
        norm: Where the batch normalisation stands, see above.
        learner_gain: Scale of the learner at the start, relative to He's
            initialisation: the initial gamma with `norm="learner"` or
            `"kernel"` (there at most 1 if a coder is added), a factor on the
            initial kernel otherwise.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.
        code_filters: How many of the output channels, the leading ones, hold
            the code alone; 0 if it is added to the learner's output.
        code_channels: How many of the input channels, the leading ones, only
            the coder reads. With either, every call must bring a coder.
        data_format: As in `keras.layers.Conv2D`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, or channels first.
        coder_kernel: Matrix `(channels of inputs, filters)` of the coder, or
            smaller: what is carried occupies the leading channels. Of
            `code_channels` rows and `code_filters` columns where those are
            given.
        learner_kernel: Kernel of the learner from a `SharedKernel`. By
            default the layer has its own, `kernel`, which is None otherwise.
        training: Whether the normalisation uses the batch's statistics.

    Output shape: `(batch, ceil(height / strides), ceil(width / strides),
    filters)`, or channels first.

    Raises:
        ValueError: For an even kernel, an unknown norm, a code that leaves the
            learner no channels, or a coder or a learner's kernel that does not
            fit.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import Coder, PlainConv2D
    >>> x = keras.Input((8, 8, 16))
    >>> coder = Coder(16)
    >>> PlainConv2D(16, strides=2)(x, coder(x, part="encoder")).shape
    (None, 4, 4, 16)
    """

    folds = True
    norms = NORMS

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        norm: str | None = "learner",
        learner_gain: float = 1.0,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        data_format: str | None = None,
        code_filters: int = 0,
        code_channels: int = 0,
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
        check_positive_integers(filters=filters)
        check_room("code_filters", code_filters, "filters", filters)
        check_room("code_channels", code_channels, "input channels")
        self.filters = filters
        self.code_filters = code_filters
        self.code_channels = code_channels
        self.gamma = None

    def build(
        self,
        inputs_shape: tuple[Any, ...],
        coder_kernel_shape: tuple[Any, ...] | None = None,
        learner_kernel_shape: tuple[Any, ...] | None = None,
    ) -> None:
        channels = inputs_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}' must know the channels of its inputs. "
                f"Received: inputs of shape {tuple(inputs_shape)}."
            )
        size = self.kernel_size
        check_room(
            *("code_channels", self.code_channels),
            *("input channels", channels),
        )
        self.kernel_shape = (size, size, channels, self.filters)
        self.learner_shape = (
            *(size, size),
            channels - self.code_channels,
            self.filters - self.code_filters,
        )
        check_coder(self, coder_kernel_shape)
        check_learner(self, learner_kernel_shape)
        if learner_kernel_shape is None:
            self._build_kernel()
        if self.scales_coder and coder_kernel_shape is not None:
            self.coder_scale = self._add_vector(
                "coder_scale", self.filters, self._initial_coder_scale()
            )
        if self.norm == "kernel":
            gain = self.learner_gain * theory.RECTIFIED_GAIN
            self.gamma = self._add_vector("gamma", self.learner_shape[3], gain)
        if self.norm in ("kernel", None):
            self.bias = self._add_vector("bias", self.filters, 0.0)
        else:
            normed = self.filters - (self.norm == "learner") * self.code_filters
            shape = self._shape_of_outputs(inputs_shape, normed)
            self._build_batch_norm(shape)

    def _build_kernel(self):
        gain = initial_gain(self.norm, self.learner_gain)
        self.kernel = self.add_weight(
            name="kernel",
            shape=self.learner_shape,
            initializer=he_values(gain**2),
        )

    @property
    def scales_coder(self) -> Any:
        """Whether the coder has a scale to balance it with the learner.

        A code in channels of its own stands beside nothing.
        """
        return self.norm in ("learner", "kernel") and not self.code_filters

    def _initial_coder_scale(self):
        if self.norm == "learner":
            return 1.0
        if self.learner_gain > 1:
            raise ValueError(
                'With `norm="kernel"` learner and coder share a variance of 1, '
                "so `learner_gain` must be at most 1. Received: "
                f"learner_gain={self.learner_gain}. Try 0.3."
            )
        return (1 - self.learner_gain**2) ** 0.5

    def _add_vector(self, name, size, value):
        return self.add_weight(
            name=name,
            shape=(size,),
            initializer=keras.initializers.Constant(value),
        )

    def call(
        self,
        inputs: Any,
        coder_kernel: Any = None,
        learner_kernel: Any = None,
        training: bool | None = None,
    ) -> Any:
        check_learner(self, getattr(learner_kernel, "shape", None))
        check_coder(self, getattr(coder_kernel, "shape", None))
        kernel = self.kernel if learner_kernel is None else learner_kernel
        if self.norm == "learner":
            return self._add_normalized(inputs, kernel, coder_kernel, training)
        if self.norm == "kernel":
            kernel = self._standardized(kernel)
        kernel = self._beside_code(kernel)
        if coder_kernel is not None:
            border = self.kernel_size // 2
            kernel = kernel + self._embed(coder_kernel, self.filters, border)
        outputs = self._normalized(self._convolve(inputs, kernel), training)
        if self.bias is not None:
            outputs = outputs + self._along_channels(self.bias)
        return outputs

    def _add_normalized(self, inputs, kernel, coder_kernel, training):
        """The learner's output, normalised, and the coder's."""
        learned = self._convolve(self._without_code(inputs), kernel)
        learned = self._normalized(learned, training)
        if coder_kernel is None:
            return learned
        width = self.code_filters or self.filters
        carried = self._convolve(inputs, self._embed(coder_kernel, width))
        if self.code_filters:
            return ops.concatenate([carried, learned], self._channel_axis)
        return learned + carried

    def _without_code(self, inputs):
        """The channels that the learner reads."""
        if not self.code_channels:
            return inputs
        if self._channel_axis == 1:
            return inputs[:, self.code_channels :]
        return inputs[..., self.code_channels :]

    def _beside_code(self, kernel):
        """The learner's kernel, with zeros where only the coder has weights."""
        code = (self.code_channels, self.code_filters)
        if not any(code):
            return kernel
        return ops.pad(kernel, [(0, 0), (0, 0), *((size, 0) for size in code)])

    def _standardized(self, kernel):
        """`theory.standardize_kernel`, in the backend."""
        axes = (0, 1, 2)
        mean = ops.mean(kernel, axes)
        variance = ops.mean(ops.square(kernel - mean), axes)
        norm = ops.sqrt(
            math.prod(kernel.shape[:-1])
            * (variance + kernel_standardization.EPSILON)
        )
        return (kernel - mean) * (self.gamma / norm)

    def _convolve(self, inputs, kernel):
        strides = self.strides
        if strides > 1 and kernel.shape[0] == 1:
            # The same numbers; the gradient of torch 2.13's own strided 1x1
            # convolution corrupts memory below 8 input channels.
            inputs, strides, padding = self._subsample(inputs), 1, "same"
        else:
            inputs, padding = self._pad(inputs)
        return ops.conv(
            inputs,
            kernel,
            strides=strides,
            padding=padding,
            data_format=self.data_format,
        )

    def _embed(self, matrix, filters, border=0):
        """The coder's matrix at the centre of a kernel with `border` taps."""
        spare = self.kernel_shape[2] - matrix.shape[0]
        new = filters - matrix.shape[1]
        kernel = matrix[None, None]
        if border or spare or new:
            borders = (border, border)
            kernel = ops.pad(kernel, [borders, borders, (0, spare), (0, new)])
        if self.coder_scale is not None:
            kernel = kernel * self.coder_scale
        return kernel

    def compute_output_shape(
        self,
        inputs_shape: tuple[Any, ...],
        coder_kernel_shape: tuple[Any, ...] | None = None,
        learner_kernel_shape: tuple[Any, ...] | None = None,
    ) -> tuple[Any, ...]:
        return self._shape_of_outputs(inputs_shape, self.filters)

    def _standard_arguments(self):
        return {"filters": self.filters, "kernel_initializer": "zeros"}

    def count_folded_parameters(self) -> int:
        return math.prod(self.kernel_shape) + self.filters

    def _folded_learner(self, handed):
        kernel, bias = self._learner_numbers(handed), None
        if self.norm == "learner":
            kernel, bias = fold_batch_norm(kernel, bias, self.batch_norm)
            bias = np.pad(bias, (self.code_filters, 0))
        code = (self.code_channels, self.code_filters)
        return np.pad(kernel, [(0, 0), (0, 0), *((n, 0) for n in code)]), bias

    def _learner_numbers(self, handed):
        """The learner's kernel before its norm."""
        kernel = handed.get("learner_kernel")
        if kernel is None:
            kernel = numbers(self.kernel)
        if self.norm == "kernel":
            kernel = theory.standardize_kernel(kernel, numbers(self.gamma))
        return kernel

    def _coder_at_centre(self, handed):
        return handed.get("coder_kernel")

    _coder_between_channels = _coder_at_centre

    def _draw_learner(self, inputs, generator, handed):
        read = None if inputs is None else inputs[self.code_channels :]
        outputs = theory.draw_normal(
            self._learner_numbers(handed),
            read,
            generator,
            # Filters of mean zero do not see the mean of what comes in.
            centred=self.norm == "kernel",
        )
        if self.norm == "learner":
            outputs = draw_batch_norm(outputs, self.batch_norm)
        return np.pad(outputs, ((self.code_filters, 0), (0, 0)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "code_filters": self.code_filters,
            "code_channels": self.code_channels,
        }
