"""The learner's kernel that layers of a stage share."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.layers._checks import (
    check_integer,
    check_number,
    check_positive_integers,
    check_room,
    count_channels,
)
from keras_pnnh.layers._initial_values import he_values
from keras_pnnh.layers.handed_weights import HandedWeights
from keras_pnnh.layers.plain_layer import PlainLayer
from keras_pnnh.layers.values import numbers


@keras.saving.register_keras_serializable(package="keras_pnnh")
class SharedKernel(PlainLayer):
    """One kernel that several plain convolutions learn together.

    What PNNH (arXiv 2402.08645) does with the coder, one object for all
    layers of a stage, done with a learner, too: the likeliest source of the
    paper's parameter efficiency (reconstruction). The layers keep their own
    norms, since a norm's statistics are those of one place in the network.

    A network calls `shared(x)` for the kernel that fits `x` and hands it to
    `PlainConv2D(...)(x, coder_kernel, shared(x))`. Its gradient is the sum
    over all of them. Folding writes the kernel out for every layer, since the
    norms differ: what sharing saves is stored and trained parameters.

    Args:
        channels: Most input channels of a layer.
        filters: Output channels.
        kernel_size: Odd size of the square kernel.
        gain: Factor on the initial kernel (He et al. 2015, arXiv 1502.01852).
        axis: Channel axis of the inputs.
        code_channels: How many of the input channels only a coder reads; see
            `PlainConv2D`. They come on top of `channels`.

    Call arguments:
        inputs: The tensor that the layer will read, of at most `channels`
            channels beside the code's. Fewer, as where a stage widens, get
            the kernel's leading ones.

    Output shape: `(kernel_size, kernel_size, channels of inputs without the
    code's, filters)`.

    Raises:
        ValueError: For inputs with more channels, or with none beside the
            code's.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import PlainConv2D, SharedKernel
    >>> x = keras.Input((8, 8, 4))
    >>> shared = SharedKernel(4, 4)
    >>> for _ in range(3):
    ...     x = keras.layers.ReLU()(PlainConv2D(4)(x, None, shared(x)))
    >>> shared.count_params()  # 3 * 3 * 4 * 4, once
    144
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel_size: int = 3,
        gain: float = 1.0,
        axis: int = -1,
        code_channels: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(
            channels=channels, filters=filters, kernel_size=kernel_size
        )
        if kernel_size % 2 == 0:
            raise ValueError(
                "The layers of a plain network have a centre tap, so "
                "`kernel_size` must be odd. Received: kernel_size="
                f"{kernel_size}. Try {kernel_size + 1}."
            )
        check_room("code_channels", code_channels, "input channels")
        check_number("gain", gain)
        check_integer("axis", axis)
        self.channels = channels
        self.filters = filters
        self.kernel_size = kernel_size
        self.gain = gain
        self.axis = axis
        self.code_channels = code_channels

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        size = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, size, self.channels, self.filters),
            initializer=he_values(self.gain**2),
        )

    def call(self, inputs: Any) -> Any:
        channels = self.channels_read(inputs)
        # Not `convert_to_tensor`: on TensorFlow it hands out the variable.
        return ops.cast(self.kernel, self.compute_dtype)[:, :, :channels]

    def handed_out(self, inputs: Any) -> Any:
        return HandedWeights(self, "kernel", self.channels_read(inputs))

    def handed_numbers(self, part: str, channels: int) -> Any:
        """The kernel for that many input channels, in float64."""
        return numbers(self.kernel)[:, :, :channels]

    def channels_read(self, inputs: Any) -> Any:
        """How many channels of `inputs` the kernel is for."""
        most = self.channels + self.code_channels
        channels = count_channels(
            *(inputs, self.axis, most),
            taker=f"A shared kernel for {most} channels",
            repair="Use one shared kernel per stage, as wide as its widest "
            "input.",
        )
        check_room(
            *("code_channels", self.code_channels),
            *("input channels", channels),
        )
        return channels - self.code_channels

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "channels": self.channels,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "gain": self.gain,
            "axis": self.axis,
            "code_channels": self.code_channels,
        }
