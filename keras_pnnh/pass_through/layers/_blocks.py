"""A block of a layer: what it makes of one range of channels of another."""

import dataclasses
from typing import Any, ClassVar

from keras_pnnh.layers._checks import check_flag, check_positive_integers
from keras_pnnh.pass_through.layers._pass_through_layer import (
    check_range,
    is_pair_of_integers,
)

Pair = tuple[int, int]

# These move or pool channels; the others have weights.
WEIGHTLESS_KINDS = ("identity", "average", "max")


@dataclasses.dataclass(frozen=True)
class FeatureBlock:
    """What a block of a `CarryDense` computes.

    The attributes are the keys of its dictionary; see there.
    """

    KINDS: ClassVar = ("dense", "scale", "identity")
    WEIGHTED_KINDS: ClassVar = ("dense", "scale")

    kind: str
    inputs: Pair
    outputs: Pair
    use_bias: bool = False

    @classmethod
    def from_dict(cls, entries: Any) -> "FeatureBlock":
        """The block of a dictionary, checked.

        Raises:
            ValueError: For an unknown key or kind, or sizes that contradict
                each other.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        required = {"kind", "inputs", "outputs"}
        if not required <= set(entries) <= set(names):
            raise ValueError(
                f"A block is a dictionary with some of the keys {names}, at "
                f"least {sorted(required)}. Received: {entries!r}."
            )
        entries = {name: _tuples(value) for name, value in entries.items()}
        block = cls(**entries)
        block._check()
        return block

    def to_dict(self) -> dict[str, list[list[Any] | Any] | Any]:
        """The dictionary, with lists only, as JSON has them."""
        return {
            name: _lists(value)
            for name, value in dataclasses.asdict(self).items()
        }

    @property
    def channels(self):
        """Channels that the block reads."""
        return self.inputs[1] - self.inputs[0]

    @property
    def filters(self):
        """Channels that the block writes."""
        return self.outputs[1] - self.outputs[0]

    @property
    def weighted(self):
        return self.kind in self.WEIGHTED_KINDS

    def kernel_shape(self) -> tuple[int, ...] | None:
        """Shape of the weights, or None."""
        if self.kind == "dense":
            return (self.channels, self.filters)
        return (self.channels,) if self.kind == "scale" else None

    def macs(self) -> int:
        """Multiply-accumulates for one place; scaling and pooling count 0."""
        return self.channels * self.filters if self.kind == "dense" else 0

    def _check(self):
        if self.kind not in self.KINDS:
            raise ValueError(
                f"The kind of a block must be one of {self.KINDS}. "
                f"Received: kind={self.kind!r}."
            )
        check_range("inputs", self.inputs)
        check_range("outputs", self.outputs)
        check_flag("use_bias", self.use_bias)
        if not self._fits():
            raise ValueError(
                f"A block of kind '{self.kind}' cannot turn {self.channels} "
                f"channels into {self.filters}{self._how()}. Received: "
                f"{self.to_dict()}."
            )

    def _how(self) -> str:
        return ""

    def _fits(self):
        if self.kind == "dense":
            return True
        if self.kind == "identity":
            return self.filters >= self.channels
        return self.filters == self.channels


@dataclasses.dataclass(frozen=True)
class ChannelBlock(FeatureBlock):
    """What a block computes. The attributes are the keys of its dictionary.

    See `CarryConv2D` for their meaning.
    """

    WEIGHTED_KINDS: ClassVar = ("conv", "depthwise", "scale")
    KINDS: ClassVar = WEIGHTED_KINDS + WEIGHTLESS_KINDS

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

    def macs(self) -> Any:
        """Multiply-accumulates for one pixel; scaling and pooling count 0."""
        if self.kind not in ("conv", "depthwise"):
            return 0
        shape = self.kernel_shape()
        inner = shape[2] if self.kind == "conv" else 1
        return self.filters * inner * shape[0] * shape[1]

    def output_size(self, size: Any, axis: int) -> Any:
        """Length of the output along a spatial axis, 0 or 1."""
        if size is None:
            return None
        if self.padding == "same":
            return -(-size // self.strides[axis])
        reach = self.dilation_rate[axis] * (self.kernel_size[axis] - 1) + 1
        padded = size + sum(self.padding[axis])
        return (padded - reach) // self.strides[axis] + 1

    def _check(self):
        for name in ("kernel_size", "strides", "dilation_rate"):
            value = getattr(self, name)
            if not is_pair_of_integers(value) or min(value) < 1:
                raise ValueError(
                    f"`{name}` of a block is a pair of positive integers. "
                    f"Received: {name}={value!r}."
                )
        check_positive_integers(groups=self.groups)
        if self.padding != "same" and not _is_padding(self.padding):
            raise ValueError(
                "`padding` of a block is 'same' or a number of pixels for "
                "each side, [[top, bottom], [left, right]]. Received: "
                f"padding={self.padding!r}."
            )
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


def _is_padding(padding):
    return (
        isinstance(padding, tuple)
        and len(padding) == 2
        and all(map(is_pair_of_integers, padding))
    )


def output_parts(
    blocks: Any,
) -> tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...]:
    """Ranges of output channels, each with the blocks that write to it.

    Raises:
        ValueError: If nothing writes some of the channels.
    """
    order = sorted(range(len(blocks)), key=lambda i: blocks[i].outputs)
    parts = []
    end = 0
    for index in order:
        start, stop = blocks[index].outputs
        if start > end:
            raise ValueError(
                "Every output channel must be written. Received: blocks that "
                f"leave out channels {end} to {start}."
            )
        if start == end:
            parts.append(([start, stop], []))
        span, indices = parts[-1]
        end = span[1] = max(end, stop)
        # In the order given: the order of a sum decides its rounding.
        indices.append(index)
        indices.sort()
    return tuple((tuple(span), tuple(indices)) for span, indices in parts)


def _tuples(value) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_tuples(item) for item in value)
    return value


def _lists(value):
    if isinstance(value, tuple):
        return [_lists(item) for item in value]
    return value
