"""One block of a `CarryConv2D`: from a range of channels to another."""

import dataclasses
from typing import Any, ClassVar

from keras_pnnh.pass_through.layers._feature_block import (
    FeatureBlock,
    Pair,
)

# Weightless kinds move or pool channels; the others have weights.
CARRYING_KINDS = ("identity", "average", "max")


@dataclasses.dataclass(frozen=True)
class ChannelBlock(FeatureBlock):
    """What a block computes. The attributes are the keys of its dictionary.

    See `CarryConv2D` for their meaning.
    """

    WEIGHTED_KINDS: ClassVar = ("conv", "depthwise", "scale")
    KINDS: ClassVar = WEIGHTED_KINDS + CARRYING_KINDS

    kernel_size: Pair = (1, 1)
    strides: Pair = (1, 1)
    padding: Any = ((0, 0), (0, 0))  # or "same"
    dilation_rate: Pair = (1, 1)
    groups: int = 1

    def kernel_shape(self) -> tuple[int, ...] | None:
        """Shape of the weights, or None."""
        if self.kind == "conv":
            inner = self.channels // self.groups
            return (*self.kernel_size, inner, self.filters)
        if self.kind == "depthwise":
            multiplier = self.filters // self.channels
            return (*self.kernel_size, self.channels, multiplier)
        return super().kernel_shape()

    def output_size(self, size, axis):
        """Length of the output along a spatial axis, 0 or 1."""
        if size is None:
            return None
        if self.padding == "same":
            return -(-size // self.strides[axis])
        reach = self.dilation_rate[axis] * (self.kernel_size[axis] - 1) + 1
        padded = size + sum(self.padding[axis])
        return (padded - reach) // self.strides[axis] + 1

    def _check(self):
        super()._check()
        if self.kind in ("identity", "scale") and self.kernel_size != (1, 1):
            raise ValueError(
                f"A block of kind '{self.kind}' reads one pixel. Received: "
                f"kernel_size={list(self.kernel_size)}."
            )

    def _how(self):
        return f" in {self.groups} groups"

    def _fits(self):
        if self.kind == "conv":
            return not (
                self.channels % self.groups or self.filters % self.groups
            )
        if self.groups != 1:
            return False
        if self.kind == "depthwise":
            return self.filters % self.channels == 0
        return super()._fits()
