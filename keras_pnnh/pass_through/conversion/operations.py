"""The few operations that a residual network is made of, and their shapes."""

import dataclasses
from typing import Any

import numpy as np

from keras_pnnh.graph import Tensor

Pair = tuple[int, int]


@dataclasses.dataclass(eq=False)
class Linear:
    """A convolution, a scale, a subsampling or a pooling, with its numbers.

    `kind` and the sizes are those of a block of `CarryConv2D`, or of
    `CarryDense` where there are no images.
    """

    kind: str
    name: str
    dtype: Any
    filters: int
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None
    kernel_size: Pair = (1, 1)
    strides: Pair = (1, 1)
    padding: Any = ((0, 0), (0, 0))
    dilation_rate: Pair = (1, 1)
    groups: int = 1
    padding_name: str | None = None  # of the layer that padded the input
    layer: Any = None  # that does the same alone, where one exists
    spatial: bool = False  # whether the size of the image changes


@dataclasses.dataclass(eq=False)
class Term:
    """What a `Mix` adds: a tensor, or a linear function of it."""

    source: Tensor
    linear: Linear | None = None
    offset: int = 0  # first output channel that it is added to

    @property
    def spatial(self) -> bool:
        return self.linear is not None and self.linear.spatial


@dataclasses.dataclass(eq=False)
class Mix:
    """A sum of terms: a convolution, an addition, or both."""

    name: str
    dtype: Any
    terms: list[Term]
    target: Tensor

    @property
    def sources(self) -> list[Tensor]:
        return [term.source for term in self.terms]

    @property
    def spatial(self) -> bool:
        return any(term.spatial for term in self.terms)


class _OneSource:
    """An operation that reads one tensor."""

    source: Tensor
    spatial: bool = False

    @property
    def sources(self) -> list[Tensor]:
        return [self.source]


@dataclasses.dataclass(eq=False)
class Pointwise(_OneSource):
    """A non-linearity."""

    name: str
    dtype: Any
    source: Tensor
    target: Tensor
    activation: str
    arguments: dict[str, Any]
    layer: Any = None


@dataclasses.dataclass(eq=False)
class Norm:
    """A layer normalisation over the channels.

    `statistics` is the tensor whose deviation divides, if it is another one.
    """

    name: str
    dtype: Any
    source: Tensor
    target: Tensor
    epsilon: float
    rms: bool
    scale: np.ndarray | None = None
    bias: np.ndarray | None = None
    layer: Any = None
    statistics: Tensor | None = None
    spatial: bool = False

    @property
    def sources(self) -> list[Tensor]:
        if self.statistics is None:
            return [self.source]
        return [self.source, self.statistics]


@dataclasses.dataclass(eq=False)
class Attention(_OneSource):
    """What an attention layer does between its kernels.

    `source` has the queries, keys and values side by side.
    """

    name: str
    dtype: Any
    source: Tensor
    target: Tensor
    num_heads: int
    key_dim: int
    causal: bool


@dataclasses.dataclass(eq=False)
class Whole(_OneSource):
    """A layer beside which no channels pass through, such as the head."""

    name: str
    source: Tensor
    target: Tensor
    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    spatial = True  # it waits until everything else has been merged


def find_readers(operations: Any, result: Any) -> dict[Any, list[None]]:
    """The operations that read each tensor; None stands for the result's user.

    Args:
        operations: List of operations.
        result: The tensor that the network returns.
    """
    readers = {result: [None]}
    for operation in operations:
        for source in operation.sources:
            readers.setdefault(source, []).append(operation)
    return readers


def unsupported(name: str, kind: str, why: str, repair: str) -> Any:
    """The error for a network that cannot become a chain."""
    return ValueError(
        "Only branches of convolutions, dense layers, self-attention, norms "
        "and elementwise non-linearities that meet in an addition become a "
        f"plain chain. Received: layer '{name}' ({kind}), which {why}. {repair}"
    )


# Images have a data format; all else has its channels last.


def is_image(tensor: Any) -> bool:
    """Whether a tensor is a batch of images or of feature maps."""
    return len(tensor.shape) == 4


def channel_axis(tensor: Any, axis: int) -> Any:
    """Axis of the channels, where `axis` is that of images."""
    return axis if is_image(tensor) else len(tensor.shape) - 1


def channels_of(tensor: Any, axis: int) -> Any:
    """Number of channels."""
    return tensor.shape[channel_axis(tensor, axis)]


def pixels_of(tensor: Any, axis: int) -> tuple[Any, ...]:
    """Sizes that are neither the batch nor the channels."""
    place = channel_axis(tensor, axis)
    return (*tensor.shape[1:place], *tensor.shape[place + 1 :])


def with_channels(tensor: Any, axis: int, channels: int) -> tuple[Any, ...]:
    """Shape of the tensor with another number of channels."""
    shape = list(tensor.shape)
    shape[channel_axis(tensor, axis)] = channels
    return tuple(shape)
