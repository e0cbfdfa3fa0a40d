"""What a conversion guarantees, measured."""

import dataclasses

import keras
import numpy as np

from keras_pnnh.auditing.audit import audit
from keras_pnnh.auditing.audit_report import (
    count_or_none,
    without,
)
from keras_pnnh.pass_through.conversion.logits import compute_logits

TOLERANCE = 1e-4
PROBE_SIZE = 64  # pixels, where a model leaves the size open


@dataclasses.dataclass(frozen=True)
class Certificate:
    """Equality of a model and its conversion on a probe, and the costs.

    Differences are those of the logits: the results before a final softmax or
    sigmoid. Relative ones are relative to the largest logit of the image.
    Costs are those of `audit`, for one image.
    """

    name: str
    images: int  # in the probe
    largest_difference: float
    largest_relative_difference: float
    top1_agreement: float  # share of equal largest results
    exact_until: str | None  # first layer beyond the tolerance; None: nowhere
    tolerance: float
    source_rounding: float | None  # see `certify`; None: exact
    depth: int  # weighted layers of the chain
    pass_through_channels: int  # the most that pass any layer
    source_macs: int  # of the residual network
    macs: int
    written_out_macs: int | None  # None: it cannot be
    source_parameters: int
    parameters: int
    written_out_parameters: int | None
    uncounted: tuple[str, ...] = ()  # layers of unknown cost, left as they are

    @property
    def exact(self):
        """Whether the differences are rounding."""
        return self.largest_relative_difference <= self.tolerance

    def raise_if_not_exact(self):
        """Raise unless the differences are rounding.

        Raises:
            ValueError: With the difference and the layer where it begins.
        """
        if not self.exact:
            raise ValueError(
                "A conversion must equal its source up to rounding, "
                f"{self.tolerance:g}. Received: model '{self.name}' with a "
                "relative difference of "
                f"{self.largest_relative_difference:.3g}, {self._end()}. The "
                f"source itself changes by {self.source_rounding:.3g} if its "
                "input changes in the last bit. If that is of the same size, "
                "try trained weights and real images; else report the model."
            )

    def _end(self):
        if self.exact_until is None:
            return "exact to the end, up to rounding"
        return f"exact until layer '{self.exact_until}'"

    def _rounding(self):
        """The part of the difference that is not the conversion's."""
        if self.source_rounding is None:
            return []
        return [
            "  the source itself changes by "
            f"{self.source_rounding:.3g} if its input changes in the last bit"
        ]

    def __str__(self):
        lines = [
            f"{self.name}: {self._end()}",
            f"  logits of {self.images} images: largest difference "
            f"{self.largest_difference:.3g}, relative "
            f"{self.largest_relative_difference:.3g}",
            *self._rounding(),
            f"  equal top-1: {self.top1_agreement:.1%}",
            f"  weighted layers: {self.depth}",
            f"  pass-through channels: {self.pass_through_channels:,}",
            f"  multiply-accumulates: {self.macs:,} (source: "
            f"{self.source_macs:,}; written out: "
            f"{count_or_none(self.written_out_macs)}){without(self.uncounted)}",
            f"  parameters: {self.parameters:,} (source: "
            f"{self.source_parameters:,}; written out: "
            f"{count_or_none(self.written_out_parameters)})",
        ]
        return "\n".join(lines)


def certify(model, opened, plain, probe, find_end):
    """Compare a model and its conversion.

    If they differ, the source is also compared with itself on a probe that is
    changed in the last bit: where that difference is of the same size, the
    weights amplify rounding (deep networks of noise do), and no other order
    of the same sums gives these logits.

    Args:
        model: The source.
        opened: The source as a graph of layers whose costs are known.
        plain: The conversion.
        probe: Array, a batch of inputs.
        find_end: Function of the probe and the tolerance that names the first
            layer of `plain` beyond it, called if the results are.

    Returns:
        A `Certificate`.
    """
    expected, received = (
        compute_logits(network, probe).astype("float64")
        for network in (model, plain)
    )
    difference, relative = differences(expected, received)
    equal = np.argmax(expected, -1) == np.argmax(received, -1)
    open_size = None in model.inputs[0].shape[1:]
    shape = probe.shape[1:] if open_size else None
    before, after = (
        audit(network, shape, leave_out_unknown=True)
        for network in (opened, plain)
    )
    after.raise_if_not_plain()
    exact = relative <= TOLERANCE
    return Certificate(
        name=plain.name,
        images=len(probe),
        largest_difference=difference,
        largest_relative_difference=relative,
        top1_agreement=float(np.mean(equal)),
        exact_until=None if exact else find_end(probe, TOLERANCE),
        tolerance=TOLERANCE,
        source_rounding=None if exact else _rounding(model, probe, expected),
        depth=after.depth,
        pass_through_channels=after.pass_through_channels,
        source_macs=before.macs,
        macs=after.macs,
        written_out_macs=after.written_out_macs,
        source_parameters=before.parameters,
        parameters=after.parameters,
        written_out_parameters=after.written_out_parameters,
        uncounted=after.uncounted,
    )


def _rounding(model, probe, expected):
    changed = np.nextafter(probe, np.inf, dtype=probe.dtype)
    received = compute_logits(model, changed).astype("float64")
    return differences(expected, received)[1]


def differences(expected, received):
    """Largest difference, and the largest relative to an image's largest."""
    axes = tuple(range(1, expected.ndim))
    apart = np.abs(received - expected).max(axis=axes)
    scale = np.abs(expected).max(axis=axes)
    relative = apart / np.maximum(scale, np.finfo("float32").tiny)
    # NaN is not close to anything: `max` must not lose it.
    return float(np.max(apart)), float(np.max(relative))


def make_probe(model, probe):
    """The user's batch, checked, or one of noise.

    Small and large values, of both signs: clips at 6 are reached, and pixels
    of 0 to 255 as well as normalised ones appear.
    """
    shape = tuple(model.inputs[0].shape[1:])
    if probe is None:
        sizes = [PROBE_SIZE if size is None else size for size in shape]
        generator = np.random.default_rng(0)
        return np.stack(
            [
                generator.standard_normal(sizes),
                10 * generator.standard_normal(sizes),
                generator.uniform(0, 255, sizes),
                generator.uniform(-1, 1, sizes),
            ]
        ).astype("float32")
    probe = keras.ops.convert_to_numpy(probe)
    fits = probe.ndim == len(shape) + 1 and all(
        known in (None, size)
        for known, size in zip(shape, probe.shape[1:], strict=True)
    )
    if not fits or not len(probe) or not np.isfinite(probe).all():
        raise ValueError(
            "`probe` must be a batch of finite inputs of the model. Received: "
            f"an array of shape {probe.shape}, model '{model.name}' with "
            f"inputs of shape {shape}. Pass a few images."
        )
    return probe
