"""What can be wrong with a signal, and what to change.

Every rule is a function from the layers of a report to the fault it finds, if
any; its repair depends on whether the network has an internal path already.
The thresholds are round numbers far from what healthy networks show (compare
`docs/questions.md`); a measure between the two is no fault.
"""

import math
from typing import Any, NamedTuple

DEAD_SHARE = 0.5  # of channels that are positive nowhere
LOW_SURVIVAL = 0.05
COLLAPSED_COSINE = 0.99
RANK_SHARE = 0.25  # of the directions of the layer before
LOST_PRESERVATION = 0.05  # R2 of the input
GRADIENT_RATIO = 1e3  # between any two layers of the trunk


class Fault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: `"not finite"`, `"dead layer"`, `"collapse"`, `"rank loss"`,
            `"input lost"`, `"vanishing gradient"` or `"exploding gradient"`.
        layer: Name of the layer where it begins.
        depth: Its depth.
        finding: The numbers.
        repair: What to change.

    Example:

    >>> from keras_pnnh.analysis import Fault
    >>> print(Fault("dead layer", "relu9", 9, "0 of 16 live", "Use a coder."))
    dead layer at 'relu9' (depth 9): 0 of 16 live. Use a coder.
    """

    kind: str
    layer: str
    depth: int
    finding: str
    repair: str

    def __str__(self) -> str:
        return (
            f"{self.kind} at '{self.layer}' (depth {self.depth}): "
            f"{self.finding}. {self.repair}"
        )


# What to change, with and without a path that carries the input along.
COLLAPSE_REPAIRS = {
    True: "Different images look alike from here on. Look for a large bias; "
    "normalise, or lower the learners' gain, so that the internal path "
    "outweighs them.",
    False: "Different images look alike from here on. Look for a large bias; "
    "normalise, or add an internal path.",
}
LOSS_REPAIRS = {
    True: "Lower the learners' gain, so that the internal path outweighs "
    "them, widen its code, or use fewer layers.",
    False: "Add an internal path (`internal_path='coder'` or 'residual'), "
    "lower the learners' gain, or use fewer layers.",
}
GRADIENT_REPAIRS = {
    True: "to that of He's initialisation, or normalise.",
    False: "to that of He's initialisation, normalise, or add an internal "
    "path.",
}


def not_finite(layers: Any, has_path: bool) -> Fault | None:
    for layer in layers:
        if not math.isfinite(layer.variance):
            return Fault(
                "not finite",
                layer.name,
                layer.depth,
                "activations are infinite or NaN",
                "Lower the initial weights or add a normalisation before it.",
            )
    return None


def dead_layer(layers: Any, has_path: bool) -> Fault | None:
    for layer in layers:
        if layer.nonlinear and (
            layer.dead >= DEAD_SHARE or layer.survival < LOW_SURVIVAL
        ):
            return Fault(
                "dead layer",
                layer.name,
                layer.depth,
                f"{100 * layer.dead:.0f} % of its channels are positive "
                f"nowhere, {100 * layer.survival:.1f} % of its units anywhere",
                "Look at the bias and the scale of the weights before it, or "
                "at the beta of its norm; start both from 0.",
            )
    return None


def collapse(layers: Any, has_path: bool) -> Fault | None:
    """Only what is new: inputs may look alike from the start."""
    before = None
    for layer in layers:
        if layer.trunk and layer.variance > 0:
            known = before is not None and before.cosine < COLLAPSED_COSINE
            if known and layer.cosine >= COLLAPSED_COSINE:
                return Fault(
                    "collapse",
                    layer.name,
                    layer.depth,
                    "the cosine between different images rises from "
                    f"{before.cosine:.3f} to {layer.cosine:.3f}",
                    COLLAPSE_REPAIRS[has_path],
                )
            before = layer
    return None


def rank_loss(layers: Any, has_path: bool) -> Fault | None:
    before = None
    for layer in (layer for layer in layers if layer.trunk):
        if before is not None and layer.rank < RANK_SHARE * before.rank:
            return Fault(
                "rank loss",
                layer.name,
                layer.depth,
                f"{layer.rank:.1f} of {layer.channels} directions are left of "
                f"{before.rank:.1f} before it",
                "Look for a bottleneck or for equal filters in its weights; "
                "initialise them at random or orthogonally.",
            )
        before = layer
    return None


def input_lost(layers: Any, has_path: bool) -> Fault | None:
    for layer in layers:
        if not layer.trunk or layer.preservation is None:
            continue
        if layer.preservation < LOST_PRESERVATION:
            return Fault(
                "input lost",
                layer.name,
                layer.depth,
                f"a linear read-out finds {100 * layer.preservation:.1f} % of "
                "the variance of the input",
                LOSS_REPAIRS[has_path],
            )
    return None


def gradient_ratio(layers: Any, has_path: bool) -> Fault | None:
    known = [
        layer for layer in layers if layer.trunk and layer.gradient is not None
    ]
    if not known:
        return None
    first, last = known[0], known[-1]
    ratio = first.gradient / last.gradient if last.gradient else 0.0
    if ratio > GRADIENT_RATIO:
        kind, repair = "exploding", "Lower the gain of the weights"
    elif ratio < 1 / GRADIENT_RATIO:
        kind, repair = "vanishing", "Raise the gain of the weights"
    else:
        return None
    return Fault(
        f"{kind} gradient",
        first.name,
        first.depth,
        f"its gradient is {ratio:.1e} times that of '{last.name}'",
        f"{repair} {GRADIENT_REPAIRS[has_path]}",
    )


RULES = (
    not_finite,
    dead_layer,
    collapse,
    rank_loss,
    input_lost,
    gradient_ratio,
)
