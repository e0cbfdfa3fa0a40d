"""What the convolutional blocks of all families share: layers and coders."""

import dataclasses
from typing import Any

import keras

from keras_pnnh.applications import _builder
from keras_pnnh.layers import Coder, PlainConv2D
from keras_pnnh.layers.coder_initializers import CODER_INITIALIZERS

INTERNAL_PATHS = ("coder", "residual", "none")
CODER_TRAINING = ("frozen", "scaled", "free")
CODER_SHARING = ("stage", "block")


@dataclasses.dataclass(frozen=True)
class CodedBlocks:
    """Makes the layers of one network, all with the same settings.

    A subclass says what stem, stage and block are made of. The attributes are
    arguments of the applications.
    """

    activation = "relu"
    widest_code = 1.0  # largest `code_ratio`
    code_gain = 1.0  # scale at which a code is carried

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
        for name, values in self._choices().items():
            _builder.check_choice(name, getattr(self, name), values)
        if not 0 < self.code_ratio <= self.widest_code:
            raise ValueError(
                "`code_ratio` is a width as a share of a stage's and "
                f"must be more than 0 and at most {self.widest_code:g}. "
                f"Received: code_ratio={self.code_ratio!r}."
            )

    def _choices(self):
        """The values that arguments may have, by name of the argument."""
        return {
            "internal_path": INTERNAL_PATHS,
            "coder_training": CODER_TRAINING,
            "coder_initializer": tuple(CODER_INITIALIZERS),
            "coder_sharing": CODER_SHARING,
        }

    def _coders(self, filters, code_filters, blocks, name):
        """The coder of each block of a stage: one object, or one for each."""
        if self.internal_path != "coder":
            return [None] * blocks
        if self.coder_sharing == "stage":
            coder = self._coder(filters, code_filters, blocks, f"{name}_coder")
            return [coder] * blocks
        return [
            self._coder(filters, code_filters, 1, f"{name}_block{block}_coder")
            for block in range(1, blocks + 1)
        ]

    def _coder(self, filters, code_filters, uses, name):
        scales = {"frozen": 0.0, "scaled": 1.0 / uses, "free": 1.0}
        return Coder(
            filters,
            code_filters,
            activation=self.activation,
            initializer=self.coder_initializer,
            gradient_scale=scales[self.coder_training],
            axis=self._channel_axis,
            code_gain=self.code_gain,
            dtype=self.dtype,
            name=name,
        )

    def _convolution(
        self,
        x,
        coder,
        part,
        filters,
        name,
        kernel_size=3,
        strides=1,
        shared=None,
        code_filters=0,
        code_channels=0,
    ):
        layer = PlainConv2D(
            filters,
            kernel_size,
            strides,
            norm=self.norm,
            learner_gain=self._gain(coder, part),
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

    def _gain(self, coder, part):
        """Of a learner that is added to a code, or to what is decoded."""
        if coder is None:
            return 1.0
        scale = 1.0 if part == "decoder" else self.code_gain
        return scale * self.learner_gain

    def _relu(self, x, name):
        limit = 6.0 if self.activation == "relu6" else None
        return keras.layers.ReLU(limit, dtype=self.dtype, name=name)(x)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1
