"""The block of a wide 1x1, a depthwise and a narrow 1x1 convolution."""

import dataclasses

import keras

from keras_pnnh.applications._coded_blocks import CodedBlocks
from keras_pnnh.layers import PlainConv2D, PlainDepthwiseConv2D

STEMS = ("3x3_stride2", "3x3")


@dataclasses.dataclass(frozen=True)
class InvertedResidualBlocks(CodedBlocks):
    """Encoder in the first 1x1, the code as it is in the middle, decoder last.

    Sandler et al. 2018 (arXiv 1801.04381, table 1). No non-linearity follows
    the last convolution, so what is carried has both signs, and the ReLU6
    between the convolutions needs it as `+-` pairs: a code of `2 d` of the
    `6 d` hidden channels. The pair `relu6(x) - relu6(-x)` is `x` as long as
    `|x| < 6`, and clips beyond (reconstruction).
    """

    activation = "relu6"
    widest_code = 2.0

    stem: str
    code_gain: float = 1.0

    def _choices(self):
        return {**super()._choices(), "stem": STEMS}

    def begin(self, x, filters):
        """The stem. No path: what comes in is an image, no signal of ours."""
        strides = 1 if self.stem == "3x3" else 2
        return self._dense_layer(x, filters, 3, strides, "stem")

    def end(self, x, filters):
        """The wide 1x1 convolution behind the last stage. No path: its input
        is narrower, and no skip of the twin leads here."""
        return self._dense_layer(x, filters, 1, 1, "last")

    def _dense_layer(self, x, filters, kernel_size, strides, name):
        x = PlainConv2D(
            filters,
            kernel_size,
            strides,
            data_format=self.data_format,
            dtype=self.dtype,
            name=f"{name}_conv",
        )(x)
        return self._relu(x, f"{name}_relu")

    def stage(self, x, blocks, filters, strides, expansion, name):
        """`blocks` blocks of the same width; the first has the strides.

        A block that does not expand has no room for pairs and therefore no
        coder. The only one stands behind the stem and halves its channels, so
        that the twin has no skip there either.
        """
        coders = [None] * blocks
        if expansion > 1:
            code_filters = max(1, round(self.code_ratio * filters))
            coders = self._coders(filters, code_filters, blocks, name)
        for block, coder in enumerate(coders, 1):
            prefix = f"{name}_block{block}"
            outputs = self._block(x, coder, filters, strides, expansion, prefix)
            if self._has_skip(x, filters, strides):
                add = keras.layers.Add(dtype=self.dtype, name=f"{prefix}_add")
                outputs = add([x, outputs])
            x, strides = outputs, 1
        return x

    def _has_skip(self, x, filters, strides):
        """Only where nothing changes shape, as in the paper."""
        same = strides == 1 and x.shape[self._channel_axis] == filters
        return self.internal_path == "residual" and same

    def _block(self, x, coder, filters, strides, expansion, name):
        if expansion > 1:
            hidden = expansion * x.shape[self._channel_axis]
            x = self._convolution(
                x, coder, "encoder", hidden, f"{name}_expand", kernel_size=1
            )
            x = self._relu(x, f"{name}_relu1")
        x = PlainDepthwiseConv2D(
            3,
            strides,
            code_filters=0 if coder is None else coder.code_filters,
            norm=self.norm,
            learner_gain=self._gain(coder, "code"),
            data_format=self.data_format,
            dtype=self.dtype,
            name=f"{name}_depthwise",
        )(x)
        x = self._relu(x, f"{name}_relu2")
        return self._convolution(
            x, coder, "decoder", filters, f"{name}_project", kernel_size=1
        )
