"""What the blocks of a ResNet share: stem, stages, shortcuts."""

import dataclasses
import math
from typing import ClassVar, NamedTuple

import keras

from keras_pnnh.applications._coded_blocks import CodedBlocks
from keras_pnnh.layers import PlainConv2D, SharedKernel, ZeroPaddingShortcut
from keras_pnnh.layers.plain_conv2d import initial_gain

STEMS = ("3x3", "7x7_pool")
SHORTCUTS = ("zero_padding", "projection")
ACTIVATION_ORDERS = ("post", "pre")
CODE_PLACEMENTS = ("added", "beside")


class Convolution(NamedTuple):
    """One convolution of a block.

    Attributes:
        part: What the coder adds, see `layers.Coder`.
        filters: Output channels, as a multiple of the stage's.
        kernel_size: Size of the square kernel.
        strided: Whether the strides of a block stand here.
    """

    part: str
    filters: int
    kernel_size: int
    strided: bool = False


@dataclasses.dataclass(frozen=True)
class Blocks(CodedBlocks):
    """Builds the blocks of one network, all with the same settings.

    A subclass says what a block is made of, in `convolutions`. The attributes
    are arguments of `PlainResNet`.
    """

    convolutions: ClassVar[tuple[Convolution, ...]]

    stem: str
    shortcut: str
    activation_order: str
    shared_learners: tuple
    code_placement: str
    learner_ratio: float

    def __post_init__(self):
        super().__post_init__()
        self._check_shared_learners()
        self._check_learner_ratio()
        if self._pre and self.internal_path != "residual":
            raise ValueError(
                "Pre-activation is a form of residual blocks: without a skip "
                "there is nothing to keep free of the non-linearity. Received: "
                f"activation_order='pre' with internal_path="
                f"{self.internal_path!r}. Take `internal_path='residual'` or "
                "`activation_order='post'`."
            )

    def _check_shared_learners(self):
        numbers = tuple(range(1, len(self.convolutions) + 1))
        given = self.shared_learners
        known = isinstance(given, (list, tuple)) and all(
            number in numbers for number in given
        )
        if not known or len(set(given)) < len(given):
            raise ValueError(
                "`shared_learners` must name convolutions of a block by their "
                f"numbers, out of {numbers}, each once. Received: "
                f"shared_learners={given!r}. Take `({numbers[-1]},)` to share "
                "the last one, `()` to share none."
            )

    def _check_learner_ratio(self):
        if not 0 < self.learner_ratio < math.inf:
            raise ValueError(
                "`learner_ratio` is a width as a share of a stage's and must "
                "be a number more than 0. Received: "
                f"learner_ratio={self.learner_ratio!r}."
            )
        if self.learner_ratio != 1 and not self._beside:
            raise ValueError(
                "A learner that the code is added to is as wide as the stage. "
                f"Received: learner_ratio={self.learner_ratio} with "
                f"code_placement={self.code_placement!r}. Take "
                "`code_placement='beside'`."
            )

    def _choices(self):
        return {
            **super()._choices(),
            "code_placement": CODE_PLACEMENTS,
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
            self._expansion * filters,
            max(1, round(self.code_ratio * filters)),
            blocks,
            name,
        )
        shared = self._shared_kernels(coders[0], filters, name)
        for block, coder in enumerate(coders, 1):
            prefix = f"{name}_block{block}"
            inputs = self._activated(x, prefix, "0") if self._pre else x
            outputs = self._block(
                inputs, coder, shared, filters, strides, prefix
            )
            if self.internal_path == "residual":
                skip = self._skip(x, inputs, filters, strides, prefix)
                add = keras.layers.Add(dtype=self.dtype, name=f"{prefix}_add")
                outputs = add([skip, outputs])
            if not self._pre:
                last = len(self.convolutions)
                outputs = self._relu(outputs, f"{prefix}_relu{last}")
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

    def _shared_kernels(self, coder, filters, name):
        """The kernels that a stage's blocks share, by number in the block."""
        kernels = {}
        for number in self.shared_learners:
            convolution = self.convolutions[number - 1]
            gain = self._gain(coder, convolution.part)
            kernels[number] = SharedKernel(
                self._learner_width(number - 1, filters),
                self._learner_width(number, filters),
                convolution.kernel_size,
                initial_gain(self.norm, gain),
                self._channel_axis,
                self._own_channels(coder, number - 1),
                dtype=self.dtype,
                name=f"{name}_kernel{number}",
            )
        return kernels

    def _learner_width(self, number, filters):
        """Channels of a learner behind a convolution; 0: before the block."""
        last = len(self.convolutions)
        if number in (0, last):
            return filters * self._expansion
        width = filters * self.convolutions[number - 1].filters
        return max(1, round(self.learner_ratio * width))

    def _own_channels(self, coder, number):
        """Channels behind a convolution that hold the code alone."""
        inside = 0 < number < len(self.convolutions)
        if coder is None or not inside or not self._beside:
            return 0
        return coder.code_filters

    def _block(self, x, coder, shared, filters, strides, name):
        """All convolutions of one block, without the last non-linearity."""
        last = len(self.convolutions)
        for number, convolution in enumerate(self.convolutions, 1):
            maker = self._last if number == last else self
            code_filters = self._own_channels(coder, number)
            x = maker._convolution(
                x,
                coder,
                convolution.part,
                code_filters + self._learner_width(number, filters),
                f"{name}_conv{number}",
                kernel_size=convolution.kernel_size,
                strides=strides if convolution.strided else 1,
                shared=shared.get(number),
                code_filters=code_filters,
                code_channels=self._own_channels(coder, number - 1),
            )
            if number < last:
                x = self._relu(x, f"{name}_relu{number}")
        return x

    def _gain(self, coder, part):
        """As above; a code in channels of its own is added to no learner."""
        if self._beside and part != "decoder":
            return 1.0
        return super()._gain(coder, part)

    @property
    def _expansion(self):
        """Output channels of a block per channel of the stage."""
        return self.convolutions[-1].filters

    @property
    def _beside(self):
        return self.code_placement == "beside"

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
        filters *= self._expansion
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
