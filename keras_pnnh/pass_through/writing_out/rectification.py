"""Which wires pass a rectifier, so that the stream arrives as it was.

Three ways, from the cheapest. A stream that is never negative nor above the
clip passes as it is. With a range from calibration images it is shifted and
scaled into what the rectifier leaves alone, `0 <= (x - low) * factor <= clip`,
which is exact as long as no value leaves the range. Without, it travels as a
pair, `x = relu(x) - relu(-x)`; a pair does not pass a clip, so that is made of
two rectifiers, `min(relu(a), m) = relu(m - relu(m - a))`.
"""

import math
from typing import Any, NamedTuple

from keras_pnnh.pass_through.writing_out.wires import (
    Channel,
    Made,
    NotWrittenOutError,
    Passed,
    Wire,
)


class Rectified(NamedTuple):
    """Wires into a non-linearity, and what it makes of them.

    Attributes:
        made: List of `Made` and `Passed`, one for each wire.
        channels: List of the `Channel`s of the result.
        most: Where the one rectifier clips all wires, or None.
        turns: For each wire, where two rectifiers clip it, or None; empty if
            one rectifier does.
        in_range: Wires that are right as long as the range is not left.
    """

    made: list[Any]
    channels: list[Any]
    most: float | None
    turns: list[Any]
    in_range: tuple[int, ...]


def upper_clip(piece: Any, layer_name: str) -> float:
    """Where a rectifier clips, infinity for nowhere.

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
    return math.inf if clip is None else float(clip)


def rectify(
    layer: Any, channels: Any, passing: Any, ranges: Any = None
) -> Rectified:
    """Wires that a `CarryActivation` needs, its rectifiers after them.

    Args:
        layer: The `CarryActivation`.
        channels: List of `Channel`s, its inputs, of which only the bounds are
            read.
        passing: Dictionary from an input channel to its `Channel` before the
            convolution that passes it, if its wires may be kept.
        ranges: `Ranges` of what passes, or None for pairs.

    Returns:
        A `Rectified`.

    Raises:
        NotWrittenOutError: For a non-linearity that is no rectifier.
    """
    pieces = [
        (
            piece["inputs"],
            piece["activation"] is None,
            math.inf
            if piece["activation"] is None
            else upper_clip(piece, layer.name),
        )
        for piece in layer.pieces
    ]
    clips = {clip for _, passes, clip in pieces if not passes}
    through = [
        index
        for inputs, passes, _ in pieces
        for index in range(*inputs)
        if passes
    ]
    (ceiling,) = clips if len(clips) == 1 else (math.inf,)
    if ranges is None and not all(
        _fits(channels[index], ceiling) or _keeps(passing.get(index), ceiling)
        for index in through
    ):
        ceiling = math.inf
    wires = _Wires(layer, ceiling)
    for inputs, passes, clip in pieces:
        for index in range(*inputs):
            if not passes:
                wires.learn(index, clip)
            elif _fits(channels[index], ceiling):
                wires.leave(index, channels[index])
            elif _keeps(passing.get(index), ceiling):
                wires.keep(index, passing[index])
            elif ranges is not None:
                low, high = ranges.of(layer, index)
                if channels[index].nonnegative:
                    low = None
                wires.move(index, low, high)
            else:
                wires.pair(index)
    return wires.rectified()


def _fits(channel, ceiling):
    """Whether a rectifier leaves a channel alone, whatever the images."""
    return channel.nonnegative and channel.most <= ceiling


def _keeps(channel, ceiling):
    """Whether a rectifier leaves the wires of a channel alone."""
    if channel is None or channel.ceiling is None:
        return False
    return channel.ceiling <= ceiling


class _Wires:
    """Collects the wires of a non-linearity, each once."""

    def __init__(self, layer, ceiling):
        self._layer, self._ceiling = layer, ceiling
        self._places = {}
        self._turns = []
        self._channels = []
        self._in_range = set()

    def learn(self, index, clip):
        """What the rectifier acts on."""
        turned = clip != self._ceiling
        item = Made(index, -1.0, clip) if turned else Made(index)
        place = self._place(item, clip if turned else None)
        self._add((Wire(place, 1),), nonnegative=True, most=clip, ceiling=clip)

    def leave(self, index, channel):
        """What is never negative, and never above the clip."""
        self._add(
            (Wire(self._place(Made(index)), 1),),
            nonnegative=True,
            most=channel.most,
            ceiling=channel.most,
        )

    def keep(self, index, channel):
        """What an earlier rectifier left its wires of."""
        wires = tuple(
            Wire(self._place(Passed(old.place, index)), old.factor)
            for old in channel.wires
        )
        self._channels.append(channel._replace(wires=wires))

    def move(self, index, low, high):
        """What a shift, and below a clip a scale, put where it passes.

        What is never negative (`low` is None) is not shifted.
        """
        origin = self._layer
        if low is None:
            low, origin = 0.0, None
        clipped = self._ceiling < math.inf
        factor = self._ceiling / (high - low) if clipped else 1.0
        place = self._place(Made(index, factor, -low * factor))
        self._in_range.add(place)
        self._add(
            (Wire(place, 1 / factor),),
            ceiling=self._ceiling,
            offset=low,
            origin=origin,
        )

    def pair(self, index):
        wires = tuple(
            Wire(self._place(Made(index, sign)), sign) for sign in (1.0, -1.0)
        )
        self._add(wires, ceiling=math.inf)

    def rectified(self):
        made = [item for item, _ in self._places]
        turned = any(turn is not None for turn in self._turns)
        most = None if self._ceiling == math.inf else self._ceiling
        return Rectified(
            made,
            self._channels,
            most,
            self._turns if turned else [],
            tuple(sorted(self._in_range)),
        )

    def _place(self, item, turn=None):
        if (item, turn) not in self._places:
            self._places[item, turn] = len(self._places)
            self._turns.append(turn)
        return self._places[item, turn]

    def _add(self, wires, **facts):
        self._channels.append(Channel(wires, **facts))
