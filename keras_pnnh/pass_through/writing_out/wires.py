"""Channels of a converted chain as channels of ordinary layers.

A pass-through channel that may be negative does not pass a ReLU. It travels as
a pair, `x = relu(x) - relu(-x)`; the pair is not negative, so it passes every
further ReLU untouched. A channel that is never negative needs no pair.
"""

from typing import NamedTuple


class Wire(NamedTuple):
    """A channel of the ordinary network that stands for a channel's part."""

    place: int
    sign: int


class Channel(NamedTuple):
    """A channel of the chain: the sum of its wires, with their signs."""

    wires: tuple[Wire, ...]
    nonnegative: bool = False
    rectified: bool = False  # whether its wires pass a ReLU untouched


class Made(NamedTuple):
    """A wire that a convolution makes: `sign * channel + shift`."""

    channel: int
    sign: int = 1
    shift: float = 0.0


class Passed(NamedTuple):
    """A wire that a convolution passes on from its input."""

    wire: int
    channel: int  # whose it is at the output


def plain_channels(count, nonnegative=False):
    """Channels that are wires themselves."""
    return [
        Channel((Wire(index, 1),), nonnegative, nonnegative)
        for index in range(count)
    ]
