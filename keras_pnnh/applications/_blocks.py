"""What the blocks of a ResNet share: stem, stages, shortcuts."""

import dataclasses

import keras

from keras_pnnh.applications._coded_blocks import CodedBlocks
from keras_pnnh.layers import PlainConv2D, ZeroPaddingShortcut

STEMS = ("3x3", "7x7_pool")
SHORTCUTS = ("zero_padding", "projection")


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

    def _choices(self):
        return {
            **super()._choices(),
            "stem": STEMS,
            "shortcut": SHORTCUTS,
        }

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
        coders = self._coders(
            self.expansion * filters,
            max(1, round(self.code_ratio * filters)),
            blocks,
            name,
        )
        for block, coder in enumerate(coders, 1):
            prefix = f"{name}_block{block}"
            outputs = self._block(x, coder, filters, strides, prefix)
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
