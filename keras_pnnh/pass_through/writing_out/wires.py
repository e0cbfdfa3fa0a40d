"""Channels of a converted chain as channels of ordinary layers, past ReLUs.

A pass-through channel that may be negative does not pass a ReLU. It travels as
a pair, `x = relu(x) - relu(-x)`, or shifted and scaled to where the ReLU leaves
it alone (`rectification`). Either way it passes every further ReLU untouched. A
channel that is never negative needs neither.
"""

import math
from typing import Any, NamedTuple


class Wire(NamedTuple):
    """A channel of the ordinary network that stands for a channel's part."""

    place: int
    factor: float


class Channel(NamedTuple):
    """A channel of the chain: `offset` and the sum of `factor * wire`.

    Attributes:
        wires: Those that it is made of.
        nonnegative: Whether it is never negative.
        most: What it never exceeds.
        ceiling: What its wires never exceed, while they are never negative;
            None if a ReLU may change them.
        offset: What is added to the wires.
        origin: The activation that its wires were shifted for, or None.
    """

    wires: tuple[Wire, ...]
    nonnegative: bool = False
    most: float = math.inf
    ceiling: float | None = None
    offset: float = 0.0
    origin: Any = None


class Made(NamedTuple):
    """A wire that a convolution makes: `factor * channel + shift`."""

    channel: int
    factor: float = 1.0
    shift: float = 0.0


class Passed(NamedTuple):
    """A wire that a convolution passes on from its input."""

    wire: int
    channel: int  # whose it is at the output


def plain_channels(
    count: int, nonnegative: bool = False, most: float = math.inf
) -> list[Channel]:
    """Channels that are wires themselves."""
    ceiling = most if nonnegative else None
    return [
        Channel((Wire(index, 1),), nonnegative, most, ceiling)
        for index in range(count)
    ]


class NotWrittenOutError(ValueError):
    """The chain cannot be written out in ordinary layers.

    Example:

    >>> import keras
    >>> import keras_pnnh
    >>> from keras_pnnh.pass_through.writing_out import NotWrittenOutError
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(x)
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, certificate = keras_pnnh.from_residual(block)
    >>> try:
    ...     keras_pnnh.write_out(chain)
    ... except NotWrittenOutError as error:
    ...     print(error)
    Pass-through channels pass ordinary layers only beside ReLU ...
    """
