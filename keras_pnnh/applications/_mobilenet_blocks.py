"""The inverted residual of MobileNetV2: `x` in, `x` out."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_pnnh.applications._conv_layers import ConvLayers
from keras_pnnh.layers import Coder, PlainDepthwiseConv2D


@dataclasses.dataclass(frozen=True)
class MobileNetLayers(ConvLayers):
    """Makes the layers of one MobileNetV2."""

    activation: str = "relu6"

    def depthwise(
        self, x: Any, strides: int, *, coder: Coder | None = None, name: str
    ) -> Any:
        """A depthwise learner; the coder's channels pass as they are."""
        return PlainDepthwiseConv2D(
            3,
            strides,
            code_filters=0 if coder is None else coder.code_filters,
            norm=self.norm,
            learner_gain=self.gain(coder, "code"),
            data_format=self.data_format,
            dtype=self.dtype,
            name=name,
        )(x)


def stage(
    x: Any,
    blocks: int,
    filters: int,
    strides: int,
    expansion: int,
    name: str,
    net: MobileNetLayers,
) -> Any:
    """`blocks` blocks of the same width; the first has the strides.

    A block that does not expand has no room for pairs and therefore no coder.
    The only one stands after the stem and halves its channels, so that the
    twin has no skip there either.
    """
    coders: Sequence[Coder | None] = [None] * blocks
    if expansion > 1:
        coders = net.coders(filters, 2 * filters, blocks, f"{name}_coder")
    for number, coder in enumerate(coders, 1):
        prefix = f"{name}_block{number}"
        x = inverted_residual(
            x, filters, strides, expansion, coder, prefix, net
        )
        strides = 1
    return x


def inverted_residual(
    x: Any,
    filters: int,
    strides: int,
    expansion: int,
    coder: Coder | None,
    name: str,
    net: MobileNetLayers,
) -> Any:
    """Wide 1x1, depthwise 3x3, narrow 1x1 (Sandler et al. 2018, table 1).

    Encoder in the first, the code as it is in the middle, decoder last. No
    non-linearity follows the last convolution, so what is carried has both
    signs, and the ReLU6 between the convolutions needs it as `+-` pairs: a
    code of `2 d` of the `6 d` hidden channels. The pair `relu6(x) - relu6(-x)`
    is `x` as long as `|x| < 6`, and clips beyond (reconstruction).
    """
    y = x
    if expansion > 1:
        y = net.conv(
            y,
            expansion * net.channels(x),
            1,
            coder=coder,
            part="encoder",
            name=f"{name}_expand",
        )
        y = net.relu(y, f"{name}_relu1")
    y = net.depthwise(y, strides, coder=coder, name=f"{name}_depthwise")
    y = net.relu(y, f"{name}_relu2")
    y = net.conv(
        y, filters, 1, coder=coder, part="decoder", name=f"{name}_project"
    )
    same = strides == 1 and net.channels(x) == filters
    if net.internal_path == "residual" and same:
        return net.add(x, y, f"{name}_add")
    return y


def scaled(filters: int, alpha: float) -> int:
    """`alpha * filters`, rounded to a multiple of 8 of at least 90 %."""
    wanted = alpha * filters
    multiple = max(8, int(wanted + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * wanted else multiple
