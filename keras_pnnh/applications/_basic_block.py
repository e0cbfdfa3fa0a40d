"""The block of two 3x3 convolutions, with any of the internal paths."""

import dataclasses
from typing import Any

import keras

from keras_pnnh.layers import Coder, PlainConv2D, ZeroPaddingShortcut
from keras_pnnh.layers.coder_initializers import CODER_INITIALIZERS

INTERNAL_PATHS = ("coder", "residual", "none")
CODER_TRAINING = ("frozen", "scaled", "free")
CODER_SHARING = ("stage", "block")


@dataclasses.dataclass(frozen=True)
class BasicBlocks:
    """Builds the blocks of one network, all with the same settings.

    The attributes are arguments of `PlainResNet`.
    """

    internal_path: str
    norm: str | None
    learner_gain: float
    coder_training: str
    coder_initializer: str
    coder_sharing: str
    code_ratio: float
    data_format: str
    dtype: Any

    def __post_init__(self):
        if self.internal_path not in INTERNAL_PATHS:
            raise ValueError(
                f"`internal_path` must be one of {INTERNAL_PATHS}. "
                f"Received: internal_path={self.internal_path!r}."
            )
        if self.coder_training not in CODER_TRAINING:
            raise ValueError(
                f"`coder_training` must be one of {CODER_TRAINING}. "
                f"Received: coder_training={self.coder_training!r}."
            )
        if self.coder_initializer not in CODER_INITIALIZERS:
            raise ValueError(
                "`coder_initializer` must be one of "
                f"{sorted(CODER_INITIALIZERS)}. "
                f"Received: coder_initializer={self.coder_initializer!r}."
            )
        if self.coder_sharing not in CODER_SHARING:
            raise ValueError(
                f"`coder_sharing` must be one of {CODER_SHARING}. "
                f"Received: coder_sharing={self.coder_sharing!r}."
            )
        if not 0 < self.code_ratio <= 1:
            raise ValueError(
                "The code travels in a layer's own channels, so `code_ratio` "
                "must be more than 0 and at most 1. "
                f"Received: code_ratio={self.code_ratio!r}."
            )

    def stem(self, x, filters):
        # No path: what comes in is an image and no rectified signal.
        x = PlainConv2D(
            filters,
            data_format=self.data_format,
            dtype=self.dtype,
            name="stem_conv",
        )(x)
        return self._relu(x, "stem_relu")

    def stage(self, x, blocks, filters, strides, name):
        """`blocks` blocks of the same width; the first has the strides."""
        shared = self.coder_sharing == "stage"
        uses = blocks if shared else 1
        coder = self._coder(filters, uses, f"{name}_coder") if shared else None
        for block in range(1, blocks + 1):
            prefix = f"{name}_block{block}"
            own = coder or self._coder(filters, uses, f"{prefix}_coder")
            x = self._block(x, own, filters, strides, prefix)
            strides = 1
        return x

    def _block(self, x, coder, filters, strides, name):
        shortcut = x
        x = self._convolution(
            x, coder, "encoder", filters, strides, f"{name}_conv1"
        )
        x = self._relu(x, f"{name}_relu1")
        x = self._convolution(x, coder, "decoder", filters, 1, f"{name}_conv2")
        if self.internal_path == "residual":
            shortcut = self._shortcut(shortcut, filters, strides, name)
            add = keras.layers.Add(dtype=self.dtype, name=f"{name}_add")
            x = add([shortcut, x])
        return self._relu(x, f"{name}_relu2")

    def _coder(self, filters, uses, name):
        if self.internal_path != "coder":
            return None
        scales = {"frozen": 0.0, "scaled": 1.0 / uses, "free": 1.0}
        return Coder(
            filters,
            max(1, round(self.code_ratio * filters)),
            initializer=self.coder_initializer,
            gradient_scale=scales[self.coder_training],
            axis=1 if self.data_format == "channels_first" else -1,
            dtype=self.dtype,
            name=name,
        )

    def _convolution(self, x, coder, part, filters, strides, name):
        layer = PlainConv2D(
            filters,
            strides=strides,
            norm=self.norm,
            learner_gain=1.0 if coder is None else self.learner_gain,
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )
        if coder is None:
            return layer(x)
        return layer(x, coder(x, part=part))

    def _shortcut(self, x, filters, strides, name):
        if strides == 1:
            return x
        return ZeroPaddingShortcut(
            filters,
            strides,
            data_format=self.data_format,
            dtype=self.dtype,
            name=f"{name}_shortcut",
        )(x)

    def _relu(self, x, name):
        return keras.layers.ReLU(dtype=self.dtype, name=name)(x)
