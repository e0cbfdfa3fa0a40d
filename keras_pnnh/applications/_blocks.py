"""What the blocks of a ResNet share: stem, stages, coders, shortcuts."""

import dataclasses
from typing import Any

import keras

from keras_pnnh.applications import _builder
from keras_pnnh.layers import Coder, PlainConv2D, ZeroPaddingShortcut
from keras_pnnh.layers.coder_initializers import CODER_INITIALIZERS

INTERNAL_PATHS = ("coder", "residual", "none")
CODER_TRAINING = ("frozen", "scaled", "free")
CODER_SHARING = ("stage", "block")
STEMS = ("3x3", "7x7_pool")
SHORTCUTS = ("zero_padding", "projection")


@dataclasses.dataclass(frozen=True)
class Blocks:
    """Builds the blocks of one network, all with the same settings.

    A subclass says what a block is made of. The attributes are arguments of
    `PlainResNet`.
    """

    expansion = 1  # output channels of a block per inner channel
    last_relu = "relu"  # name of the non-linearity behind a block

    internal_path: str
    norm: str | None
    learner_gain: float
    coder_training: str
    coder_initializer: str
    coder_sharing: str
    code_ratio: float
    stem: str
    shortcut: str
    data_format: str
    dtype: Any

    def __post_init__(self):
        for name, values in (
            ("internal_path", INTERNAL_PATHS),
            ("coder_training", CODER_TRAINING),
            ("coder_initializer", tuple(CODER_INITIALIZERS)),
            ("coder_sharing", CODER_SHARING),
            ("stem", STEMS),
            ("shortcut", SHORTCUTS),
        ):
            _builder.check_choice(name, getattr(self, name), values)
        if not 0 < self.code_ratio <= 1:
            raise ValueError(
                "The code travels in a layer's own channels, so `code_ratio` "
                "must be more than 0 and at most 1. "
                f"Received: code_ratio={self.code_ratio!r}."
            )

    def begin(self, x, filters):
        """The stem. No path: what comes in is an image, no rectified signal."""
        large = self.stem == "7x7_pool"
        x = PlainConv2D(
            filters,
            7 if large else 3,
            2 if large else 1,
            data_format=self.data_format,
            dtype=self.dtype,
            name="stem_conv",
        )(x)
        x = self._relu(x, "stem_relu")
        return self._pool(x) if large else x

    def _pool(self, x):
        # Zeros pad a rectified signal without changing its maxima; "same"
        # would put them at the end alone.
        common = {"data_format": self.data_format, "dtype": self.dtype}
        x = keras.layers.ZeroPadding2D(1, name="stem_pad", **common)(x)
        return keras.layers.MaxPooling2D(3, 2, name="stem_pool", **common)(x)

    def stage(self, x, blocks, filters, strides, name):
        """`blocks` blocks of the same width; the first has the strides."""
        shared = self.coder_sharing == "stage"
        uses = blocks if shared else 1
        coder = self._coder(filters, uses, f"{name}_coder") if shared else None
        for block in range(1, blocks + 1):
            prefix = f"{name}_block{block}"
            own = coder or self._coder(filters, uses, f"{prefix}_coder")
            outputs = self._block(x, own, filters, strides, prefix)
            if self.internal_path == "residual":
                skip = self._skip(x, filters, strides, prefix)
                add = keras.layers.Add(dtype=self.dtype, name=f"{prefix}_add")
                outputs = add([skip, outputs])
            x = self._relu(outputs, f"{prefix}_{self.last_relu}")
            strides = 1
        return x

    def _block(self, x, coder, filters, strides, name):
        """All convolutions of one block, without the last non-linearity."""
        raise NotImplementedError

    def _coder(self, filters, uses, name):
        if self.internal_path != "coder":
            return None
        scales = {"frozen": 0.0, "scaled": 1.0 / uses, "free": 1.0}
        return Coder(
            self.expansion * filters,
            max(1, round(self.code_ratio * filters)),
            initializer=self.coder_initializer,
            gradient_scale=scales[self.coder_training],
            axis=self._channel_axis,
            dtype=self.dtype,
            name=name,
        )

    def _convolution(
        self, x, coder, part, filters, name, kernel_size=3, strides=1
    ):
        layer = PlainConv2D(
            filters,
            kernel_size,
            strides,
            norm=self.norm,
            learner_gain=1.0 if coder is None else self.learner_gain,
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )
        if coder is None:
            return layer(x)
        return layer(x, coder(x, part=part))

    def _skip(self, x, filters, strides, name):
        filters *= self.expansion
        if strides == 1 and x.shape[self._channel_axis] == filters:
            return x
        name = f"{name}_shortcut"
        if self.shortcut == "projection":
            return self._convolution(
                x, None, None, filters, name, kernel_size=1, strides=strides
            )
        return ZeroPaddingShortcut(
            filters,
            strides,
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )(x)

    def _relu(self, x, name):
        return keras.layers.ReLU(dtype=self.dtype, name=name)(x)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1
