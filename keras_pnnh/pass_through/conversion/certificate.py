"""What a conversion guarantees, measured."""

import dataclasses
from typing import Any

from keras_pnnh.auditing.audit import audit
from keras_pnnh.auditing.audit_report import (
    count_or_none,
    without,
)
from keras_pnnh.pass_through.conversion.comparison import compare
from keras_pnnh.presentation.html_summary import as_html


@dataclasses.dataclass(frozen=True)
class Certificate:
    """Equality of a model and its conversion on a probe, and the costs.

    The largest difference is that of the logits, the numbers before a final
    softmax or sigmoid. The relative one is the larger of those of the results
    and of the logits, relative to the largest number of the image. Costs are
    those of `audit`, for one image.

    Attributes:
        name: Name of the chain.
        exact: Whether the differences are rounding.
        images: Number of inputs of the probe that were compared.
        left_out: Number of those on which the source overflows or amplifies
            rounding.
        largest_difference: Largest difference of the logits.
        largest_relative_difference: Largest difference of results or logits,
            relative to the largest number of the image.
        top1_agreement: Share of the inputs with the same largest result.
        tolerance: Relative difference up to which any source is equal; it
            follows its precision.
        source_rounding: Relative difference of the source from itself when its
            input changes in the last bit; None if it was not needed.
        exact_until: Name of the first layer beyond the tolerance, or None.
        depth: Weighted layers of the chain.
        pass_through_channels: The most that pass by any layer.
        source_macs: Multiply-accumulates of the residual network.
        macs: Multiply-accumulates of the chain.
        written_out_macs: Those of `write_out(chain)`, or None if it cannot be
            written out.
        source_parameters: Parameters of the residual network.
        parameters: Parameters of the chain.
        written_out_parameters: Those of `write_out(chain)`, or None.
        uncounted: Names of the layers of unknown cost, which are left as they
            are.
        in_range_macs: Multiply-accumulates of `write_out(chain, images=...)`,
            or None.
        in_range_parameters: Parameters of the same, or None.
        clipped: Number of values on the images that leave the range for which
            the chain was written out; None if there is no range.
        clipped_images: Number of images with such values, or None.
        exact_in_range: Whether the differences on the other images are
            rounding; None if there is no range.

    Example:

    >>> import keras
    >>> import keras_pnnh
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(y)
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, certificate = keras_pnnh.from_residual(block)
    >>> certificate.exact, certificate.pass_through_channels
    (True, 4)
    """

    name: str
    exact: bool
    images: int
    left_out: int
    largest_difference: float
    largest_relative_difference: float
    top1_agreement: float
    tolerance: float
    source_rounding: float | None
    exact_until: str | None
    depth: int
    pass_through_channels: int
    source_macs: int
    macs: int
    written_out_macs: int | None
    source_parameters: int
    parameters: int
    written_out_parameters: int | None
    uncounted: tuple[str, ...] = ()
    in_range_macs: int | None = None
    in_range_parameters: int | None = None
    clipped: int | None = None
    clipped_images: int | None = None
    exact_in_range: bool | None = None

    @property
    def outcome(self) -> str:
        """`"exact"`, `"exact within a range"` or `"not exact"`.

        In a range, images of which values leave it do not count.
        """
        if self.clipped is None:
            return "exact" if self.exact else "not exact"
        return "exact within a range" if self.exact_in_range else "not exact"

    def raise_if_not_exact(self) -> None:
        """Raise unless the differences are rounding.

        Raises:
            ValueError: With the difference and the layer where it begins.
        """
        if not self.exact:
            raise ValueError(
                "A conversion must equal its source up to rounding, "
                f"{self.tolerance:g}. Received: model '{self.name}' with a "
                "relative difference of "
                f"{self.largest_relative_difference:.3g} on {self.images} of "
                f"{self.images + self.left_out} inputs, {self._end()}. "
                f"{self._repair()}"
            )

    def _repair(self):
        if self.clipped:
            return (
                f"{self._clips()}. Fit the range on more images, "
                "`write_out(chain, images=...)`, or give it a larger `margin`."
            )
        if self.clipped is not None:
            return (
                "Rounding is relative to the range. Leave out the images that "
                "make it wide, or `images`: pairs have no range."
            )
        if not self.images:
            return (
                "On all of them the source itself overflows, or changes as "
                "much if its input changes in the last bit. Pass inputs of the "
                "model as `probe`, and use trained weights."
            )
        return (
            "Report the model. `from_residual(model, require_exact=False)` "
            "returns the chain that is not equal, with its certificate."
        )

    def _clips(self):
        total = self.images + self.left_out
        if not self.clipped:
            return f"no value of {total} images leaves it"
        return (
            f"{self.clipped:,} values of {self.clipped_images} of {total} "
            "images leave it and are clipped"
        )

    def _end(self):
        if self.clipped is not None and self.exact_in_range:
            return f"exact within a range, up to rounding: {self._clips()}"
        if self.exact_until is None:
            return "exact to the end, up to rounding"
        return f"exact until layer '{self.exact_until}'"

    def _left_out(self):
        if not self.left_out:
            return ""
        return f" ({self.left_out} left out, on which the source is unstable)"

    def _rounding(self):
        """The part of the difference that is not the conversion's."""
        if self.source_rounding is None:
            return []
        return [
            "  the source itself changes by "
            f"{self.source_rounding:.3g} if its input changes in the last bit"
        ]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(str(self))

    def __str__(self) -> str:
        lines = [
            f"{self.name}: {self._end()}",
            f"  {self.images} inputs{self._left_out()}: largest difference "
            f"{self.largest_difference:.3g}, relative "
            f"{self.largest_relative_difference:.3g}",
            *self._rounding(),
            f"  equal top-1: {self.top1_agreement:.1%}",
            f"  weighted layers: {self.depth}",
            f"  pass-through channels: {self.pass_through_channels:,}",
            f"  multiply-accumulates: {self.macs:,} (source: "
            f"{self.source_macs:,}; written out: "
            f"{count_or_none(self.written_out_macs)}, in a range "
            f"{count_or_none(self.in_range_macs)}){without(self.uncounted)}",
            f"  parameters: {self.parameters:,} (source: "
            f"{self.source_parameters:,}; written out: "
            f"{count_or_none(self.written_out_parameters)})",
        ]
        return "\n".join(lines)


def certify(
    model: Any, opened: Any, plain: Any, probe: Any, find_end: Any
) -> Certificate:
    """Compare a model and its conversion, and count what both cost.

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
    compared = compare(model, plain, probe)
    open_size = None in model.inputs[0].shape[1:]
    shape = probe.shape[1:] if open_size else None
    before, after = (_costs(network, shape) for network in (opened, plain))
    after.raise_if_no_chain()
    return Certificate(
        name=plain.name,
        **compared._asdict(),
        exact_until=None
        if compared.exact or not compared.images
        else find_end(probe, compared.tolerance),
        depth=after.depth,
        pass_through_channels=after.pass_through_channels,
        source_macs=before.macs,
        macs=after.macs,
        written_out_macs=after.written_out_macs,
        source_parameters=before.parameters,
        parameters=after.parameters,
        written_out_parameters=after.written_out_parameters,
        uncounted=after.uncounted,
        in_range_macs=after.in_range_macs,
        in_range_parameters=after.in_range_parameters,
    )


def _costs(network, shape):
    try:
        return audit(network, shape, leave_out_unknown=True)
    except ValueError as error:
        if shape is None:
            raise
        raise ValueError(
            "The cost of a conversion is that of one size of input. Received: "
            f"model '{network.name}' with an open size, of which {shape} was "
            "tried, and a layer whose size stays open. Build the model with a "
            "`keras.Input` of a known size, and give no layer (such as a "
            "`Lambda`) an `output_shape` with None."
        ) from error
