"""Non-linearities beside carried channels, written with ReLUs only."""

from typing import NamedTuple

from keras_pnnh.pass_through.writing_out.wires import (
    Channel,
    Made,
    Passed,
    Wire,
)


class DenseFormError(ValueError):
    """The chain has no form in ordinary layers."""


def upper_clip(piece, layer_name):
    """Where a rectifier clips, None for nowhere.

    Raises:
        DenseFormError: For anything else than a rectifier from 0 on.
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
        raise DenseFormError(
            "Carried channels pass ordinary layers only beside ReLU or ReLU "
            f"with a maximum. Received: layer '{layer_name}' with activation "
            f"{piece['activation']!r}, {arguments}. Keep the chain as it is: "
            "without `dense=True` it needs no pairs."
        )
    return clip


class Rectified(NamedTuple):
    """Wires into a non-linearity, and what it makes of them."""

    made: list  # `Made` and `Passed`, one for each wire
    clips: list  # for each wire, where it is clipped, or None
    channels: list  # `Channel`s of the result


def rectify(layer, channels, passing):
    """Wires that a `CarryActivation` needs, one ReLU behind them.

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
        DenseFormError: For a non-linearity that is no rectifier.
    """
    made, clips, results, known = [], [], [], {}

    def wire(item, clip=None):
        if (item, clip) not in known:
            known[item, clip] = len(made)
            made.append(item)
            clips.append(clip)
        return known[item, clip]

    for piece in layer.pieces:
        carried = piece["activation"] is None
        clip = None if carried else upper_clip(piece, layer.name)
        for channel in range(*piece["inputs"]):
            if not carried and clip is not None:
                item = Made(channel, -1, clip)
                wires = (Wire(wire(item, clip), 1),)
            elif not carried or channels[channel]:
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
            nonnegative = not carried or channels[channel]
            results.append(Channel(wires, nonnegative, rectified=True))
    return Rectified(made, clips, results)
