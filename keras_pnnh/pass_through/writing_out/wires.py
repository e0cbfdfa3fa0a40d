"""Channels of a converted chain as channels of ordinary layers, past ReLUs.

A pass-through channel that may be negative does not pass a ReLU. It travels as
a pair, `x = relu(x) - relu(-x)`; the pair is not negative, so it passes every
further ReLU untouched. A channel that is never negative needs no pair.
"""

from typing import Any, NamedTuple


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


def plain_channels(count: int, nonnegative: bool = False) -> list[Channel]:
    """Channels that are wires themselves."""
    return [
        Channel((Wire(index, 1),), nonnegative, nonnegative)
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


def upper_clip(piece: Any, layer_name: str) -> Any:
    """Where a rectifier clips, None for nowhere.

    Raises:
        NotWrittenOutError: For anything else than a rectifier from 0 on.
    """
    arguments = piece["arguments"]
    if piece["activation"] == "relu6":
        return 6.0
    bent = arguments.get("negative_slope") or arguments.get("threshold")
    clip = arguments.get("max_value")
    if (
        piece["activation"] != "relu"
        or bent
        or (clip is not None and clip <= 0)
    ):
        raise NotWrittenOutError(
            "Pass-through channels pass ordinary layers only beside ReLU or "
            f"ReLU with a maximum. Received: layer '{layer_name}' with "
            f"activation {piece['activation']!r}, {arguments}. Keep the "
            "chain as it is: without `write_out` it needs no pairs."
        )
    return clip


class Rectified(NamedTuple):
    """Wires into a non-linearity, and what it makes of them."""

    made: list[Any]  # `Made` and `Passed`, one for each wire
    clips: list[Any]  # for each wire, where it is clipped, or None
    channels: list[Any]  # `Channel`s of the result


def rectify(layer: Any, channels: Any, passing: Any) -> Rectified:
    """Wires that a `CarryActivation` needs, one ReLU after them.

    A clip at `m` is exact with two rectifiers, `min(relu(a), m) =
    relu(m - relu(m - a))`: the wire into the first is `m - a`.

    Args:
        layer: The `CarryActivation`.
        channels: List of whether each of its input channels is never
            negative.
        passing: Dictionary from an input channel to its `Channel` before the
            convolution that passes it, if its wires may be kept.

    Returns:
        A `Rectified`.

    Raises:
        NotWrittenOutError: For a non-linearity that is no rectifier.
    """
    made, clips, results, known = [], [], [], {}

    def wire(item, clip=None):
        if (item, clip) not in known:
            known[item, clip] = len(made)
            made.append(item)
            clips.append(clip)
        return known[item, clip]

    for piece in layer.pieces:
        passed = piece["activation"] is None
        clip = None if passed else upper_clip(piece, layer.name)
        for channel in range(*piece["inputs"]):
            if not passed and clip is not None:
                item = Made(channel, -1, clip)
                wires = (Wire(wire(item, clip), 1),)
            elif not passed or channels[channel]:
                wires = (Wire(wire(Made(channel)), 1),)
            elif channel in passing:
                wires = tuple(
                    Wire(wire(Passed(old.place, channel)), old.sign)
                    for old in passing[channel].wires
                )
            else:
                wires = (
                    Wire(wire(Made(channel, 1)), 1),
                    Wire(wire(Made(channel, -1)), -1),
                )
            nonnegative = not passed or channels[channel]
            results.append(Channel(wires, nonnegative, rectified=True))
    return Rectified(made, clips, results)
