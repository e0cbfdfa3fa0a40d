"""What the blocks of a ResNet share: stem, stages, shortcuts."""

import dataclasses

import keras

from keras_pnnh.applications._coded_blocks import CodedBlocks
from keras_pnnh.layers import PlainConv2D, ZeroPaddingShortcut

STEMS = ("3x3", "7x7_pool")
SHORTCUTS = ("zero_padding", "projection")
ACTIVATION_ORDERS = ("post", "pre")


@dataclasses.dataclass(frozen=True)
class Blocks(CodedBlocks):
    """Builds the blocks of one network, all with the same settings.

    A subclass says what a block is made of. The attributes are arguments of
    `PlainResNet`.
    """

    expansion = 1  # output channels of a block per inner channel
    last_relu = "relu"  # name of the non-linearity behind a block

    stem: str
    shortcut: str
    activation_order: str

    def __post_init__(self):
        super().__post_init__()
        if self._pre and self.internal_path != "residual":
            raise ValueError(
                "Pre-activation is a form of residual blocks: without a skip "
                "there is nothing to keep free of the non-linearity. Received: "
                f"activation_order='pre' with internal_path="
                f"{self.internal_path!r}. Take `internal_path='residual'` or "
                "`activation_order='post'`."
            )

    def _choices(self):
        return {
            **super()._choices(),
            "stem": STEMS,
            "shortcut": SHORTCUTS,
            "activation_order": ACTIVATION_ORDERS,
        }

    def begin(self, x, filters):
        """The stem. No path: what comes in is an image, no rectified signal."""
        large = self.stem == "7x7_pool"
        x = PlainConv2D(
            filters,
            7 if large else 3,
            2 if large else 1,
            norm=None if self._pre else "learner",
            data_format=self.data_format,
            dtype=self.dtype,
            name="stem_conv",
        )(x)
        if not self._pre:
            x = self._relu(x, "stem_relu")
        return self._pool(x) if large else x

    def end(self, x):
        """What follows the last block: with pre-activation, norm and ReLU."""
        return self._activated(x, "post", "") if self._pre else x

    def _pool(self, x):
        # Zeros pad a rectified signal without changing its maxima; "same"
        # would put them at the end alone. A signal that is not rectified they
        # clip at the border, as in `keras.applications.ResNet50V2`.
        common = {"data_format": self.data_format, "dtype": self.dtype}
        x = keras.layers.ZeroPadding2D(1, name="stem_pad", **common)(x)
        return keras.layers.MaxPooling2D(3, 2, name="stem_pool", **common)(x)

    def stage(self, x, blocks, filters, strides, name):
        """`blocks` blocks of the same width; the first has the strides."""
        coders = self._coders(
            self.expansion * filters,
            max(1, round(self.code_ratio * filters)),
            blocks,
            name,
        )
        for block, coder in enumerate(coders, 1):
            prefix = f"{name}_block{block}"
            inputs = self._activated(x, prefix, "0") if self._pre else x
            outputs = self._block(inputs, coder, filters, strides, prefix)
            if self.internal_path == "residual":
                skip = self._skip(x, inputs, filters, strides, prefix)
                add = keras.layers.Add(dtype=self.dtype, name=f"{prefix}_add")
                outputs = add([skip, outputs])
            if not self._pre:
                outputs = self._relu(outputs, f"{prefix}_{self.last_relu}")
            x, strides = outputs, 1
        return x

    def _activated(self, x, prefix, number):
        norm = keras.layers.BatchNormalization(
            axis=self._channel_axis,
            momentum=0.9,
            epsilon=1e-5,
            dtype=self.dtype,
            name=f"{prefix}_norm{number}",
        )
        return self._relu(norm(x), f"{prefix}_relu{number}")

    def _block(self, x, coder, filters, strides, name):
        """All convolutions of one block, without the last non-linearity."""
        raise NotImplementedError

    @property
    def _pre(self):
        return self.activation_order == "pre"

    @property
    def _last(self):
        """Makes what is added to the stream; its norm is the next block's."""
        return dataclasses.replace(self, norm=None) if self._pre else self

    def _skip(self, x, activated, filters, strides, name):
        """The stream in the shape of the block's output.

        With pre-activation a projection reads the activated stream (He et al.
        2016, arXiv 1603.05027); zero padding leaves the stream as it is.
        """
        filters *= self.expansion
        if strides == 1 and x.shape[self._channel_axis] == filters:
            return x
        name = f"{name}_shortcut"
        if self.shortcut == "projection":
            return self._last._convolution(
                *(activated, None, None, filters, name),
                kernel_size=1,
                strides=strides,
            )
        return ZeroPaddingShortcut(
            filters,
            strides,
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )(x)
