"""One block of a `CarryConv2D`: from a range of channels to another."""

import dataclasses
from typing import Any

# Weightless kinds move or pool channels; the others have weights.
CARRYING_KINDS = ("identity", "average", "max")
WEIGHTED_KINDS = ("conv", "depthwise", "scale")
KINDS = WEIGHTED_KINDS + CARRYING_KINDS

Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class ChannelBlock:
    """What a block computes. The attributes are the keys of its dictionary.

    See `CarryConv2D` for their meaning.
    """

    kind: str
    inputs: Pair
    outputs: Pair
    kernel_size: Pair = (1, 1)
    strides: Pair = (1, 1)
    padding: Any = ((0, 0), (0, 0))  # or "same"
    dilation_rate: Pair = (1, 1)
    groups: int = 1
    use_bias: bool = False

    @classmethod
    def from_dict(cls, entries):
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
                f"least {sorted(required)}. Received: {sorted(entries)}."
            )
        entries = {name: _tuples(value) for name, value in entries.items()}
        block = cls(**entries)
        block._check()
        return block

    def to_dict(self):
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
        return self.kind in WEIGHTED_KINDS

    def kernel_shape(self):
        """Shape of the weights, or None."""
        if self.kind == "conv":
            inner = self.channels // self.groups
            return (*self.kernel_size, inner, self.filters)
        if self.kind == "depthwise":
            multiplier = self.filters // self.channels
            return (*self.kernel_size, self.channels, multiplier)
        return (self.channels,) if self.kind == "scale" else None

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
        if self.kind not in KINDS:
            raise ValueError(
                f"The kind of a block must be one of {KINDS}. "
                f"Received: {self.kind!r}."
            )
        for name in ("inputs", "outputs"):
            start, stop = getattr(self, name)
            if not 0 <= start < stop:
                raise ValueError(
                    f"`{name}` of a block is a range of channels, [start, "
                    f"stop]. Received: {[start, stop]}."
                )
        if not self._fits():
            raise ValueError(
                f"A block of kind '{self.kind}' cannot turn {self.channels} "
                f"channels into {self.filters} in {self.groups} groups. "
                "Received: "
                f"{self.to_dict()}."
            )
        if self.kind in ("identity", "scale") and self.kernel_size != (1, 1):
            raise ValueError(
                f"A block of kind '{self.kind}' reads one pixel. Received: "
                f"kernel_size={list(self.kernel_size)}."
            )

    def _fits(self):
        if self.kind == "conv":
            return not (
                self.channels % self.groups or self.filters % self.groups
            )
        if self.groups != 1:
            return False
        if self.kind == "depthwise":
            return self.filters % self.channels == 0
        if self.kind == "identity":
            return self.filters >= self.channels
        return self.filters == self.channels


def _tuples(value) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_tuples(item) for item in value)
    return value


def _lists(value):
    if isinstance(value, tuple):
        return [_lists(item) for item in value]
    return value
