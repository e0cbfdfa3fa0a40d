"""The layers that the blocks of the convolutional families are made of."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_pnnh.layers import Coder, PlainConv2D, SharedKernel

# Question 2 of `study/lab_book.md`: 0.3 and 1 cannot be told apart in ResNets
# (tables `norm`, `gain`); in MobileNetV2 1 is far behind (`mobilenet`).
LEARNER_GAIN = 0.3


@dataclasses.dataclass(frozen=True)
class ConvLayers:
    """Makes the layers of one network, all with the same settings.

    Attributes:
        internal_path: `"coder"`, `"residual"` or `"none"`.
        data_format: Where the channels are.
        dtype: Dtype policy.
        norm: See `layers.PlainConv2D`.
        code_placement: `"add"` or `"concat"`, see `PlainResNet`.
        coder_training: `"frozen"`, `"scaled"` or `"free"`.
        coder_initializer: See `layers.Coder`.
        learner_gain: Initial scale of a learner that a coder is added to.
        activation: `"relu"` or `"relu6"`.
    """

    internal_path: str
    data_format: str
    dtype: Any
    norm: str | None = "learner"
    code_placement: str = "add"
    coder_training: str = "frozen"
    coder_initializer: str = "closed_form"
    learner_gain: float = LEARNER_GAIN
    activation: str = "relu"

    def conv(
        self,
        x: Any,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        *,
        coder: Coder | None = None,
        part: str,
        shared: SharedKernel | None = None,
        normalize: bool = True,
        name: str,
    ) -> Any:
        """A learner of a block, and the part of the coder that goes with it.

        Args:
            x: Inputs.
            filters: Channels of the learner's output.
            kernel_size: Size of the square kernel.
            strides: Stride on both axes.
            coder: The stage's `Coder`, None without one.
            part: `"encoder"`, `"code"` or `"decoder"`, see `Coder`.
            shared: The stage's `SharedKernel`, None for a kernel of its own.
            normalize: Whether the layer has the network's norm.
            name: Name of the layer.
        """
        code_filters = self.own_channels(coder) if part != "decoder" else 0
        code_channels = self.own_channels(coder) if part != "encoder" else 0
        layer = PlainConv2D(
            code_filters + filters,
            kernel_size,
            strides,
            norm=self.norm if normalize else None,
            learner_gain=self.gain(coder, part),
            data_format=self.data_format,
            code_filters=code_filters,
            code_channels=code_channels,
            dtype=self.dtype,
            name=name,
        )
        return layer(
            x,
            coder_kernel=None if coder is None else coder(x, part=part),
            learner_kernel=None if shared is None else shared(x),
        )

    def bare_conv(
        self,
        x: Any,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        *,
        norm: str | None,
        name: str,
    ) -> Any:
        """A convolution without a coder: stem, shortcut, last layer."""
        return PlainConv2D(
            filters,
            kernel_size,
            strides,
            norm=norm,
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )(x)

    def coders(
        self, filters: int, code_filters: int, blocks: int, name: str
    ) -> Sequence[Coder | None]:
        """The coder of each block of a stage: one object for all of them."""
        if self.internal_path != "coder":
            return [None] * blocks
        return [self.coder(filters, code_filters, blocks, name)] * blocks

    def coder(
        self, filters: int, code_filters: int, uses: int, name: str
    ) -> Coder:
        """A coder that `uses` blocks share."""
        scales = {"frozen": 0.0, "scaled": 1.0 / uses, "free": 1.0}
        return Coder(
            filters,
            code_filters,
            activation=self.activation,
            initializer=self.coder_initializer,
            gradient_scale=scales[self.coder_training],
            axis=self.channel_axis,
            dtype=self.dtype,
            name=name,
        )

    def own_channels(self, coder: Coder | None) -> int:
        """Channels inside a block that hold the code alone."""
        if coder is None or self.code_placement == "add":
            return 0
        return coder.code_filters

    def gain(self, coder: Coder | None, part: str) -> float:
        """Initial scale of a learner: small if something is added to it."""
        alone = self.own_channels(coder) and part != "decoder"
        return 1.0 if coder is None or alone else self.learner_gain

    def relu(self, x: Any, name: str) -> Any:
        limit = 6.0 if self.activation == "relu6" else None
        return keras.layers.ReLU(limit, dtype=self.dtype, name=name)(x)

    def batch_norm(self, x: Any, name: str) -> Any:
        return keras.layers.BatchNormalization(
            axis=self.channel_axis,
            momentum=0.9,
            epsilon=1e-5,
            dtype=self.dtype,
            name=name,
        )(x)

    def zero_pad(self, x: Any, padding: int, name: str) -> Any:
        return keras.layers.ZeroPadding2D(
            padding, data_format=self.data_format, dtype=self.dtype, name=name
        )(x)

    def max_pool(self, x: Any, size: int, strides: int, name: str) -> Any:
        return keras.layers.MaxPooling2D(
            size,
            strides,
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )(x)

    def add(self, skip: Any, x: Any, name: str) -> Any:
        return keras.layers.Add(dtype=self.dtype, name=name)([skip, x])

    def channels(self, x: Any) -> int:
        return x.shape[self.channel_axis]

    @property
    def channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1
