"""The result of an audit, and how it is shown."""

from typing import Any, NamedTuple

from keras_pnnh.presentation.html_summary import as_html
from keras_pnnh.presentation.text_table import as_table

# What `compare` shows.
ROWS = (
    "plain",
    "weighted layers on the longest path",
    "layers where paths merge",
    "parameters",
    "parameters, folded",
    "multiply-accumulates",
    "pass-through channels",
    "multiply-accumulates, written out",
    "peak activation (floats)",
)


class LayerRow(NamedTuple):
    """One call of one layer."""

    name: str
    output_shape: tuple[int, ...]  # without the batch
    parameters: int  # stored; 0 when a shared layer is called again
    macs: int
    live: int  # floats held while the layer runs


class AuditReport(NamedTuple):
    """What `audit` found. Counts are for one image.

    `print` shows a summary; the fields hold everything.

    Attributes:
        plain: Whether it is one chain of layers without a path around
            anything.
        name: Name of the model.
        merges: Names of the layers that read more than one tensor.
        forks: Names of the layers whose output is read more than once.
        shared: Names of the coders and shared kernels that are still to be
            folded in.
        depth: Layers with a kernel on the longest path.
        parameters: Numbers stored in the model.
        folded_parameters: Numbers stored in `fold(model)`.
        macs: Multiply-accumulates.
        pass_through_channels: The most that pass by any layer.
        written_out_macs: Multiply-accumulates of `write_out(model)`, or None
            if it cannot be written out.
        written_out_parameters: Numbers stored in it, or None.
        in_range_macs: Multiply-accumulates of `write_out(model, images=...)`,
            or None.
        in_range_parameters: Numbers stored in it, or None.
        peak_activation: The most floats that are held while a layer runs.
        peak_layer: Name of that layer.
        layers: For each call of a layer its `name`, its `output_shape` without
            the batch, its `parameters` (0 when a shared layer is called
            again), `macs`, and `live`, the floats held while it runs.
        uncounted: Names of the layers whose multiplications are missing.

    Example:

    >>> import keras_pnnh
    >>> twin = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3), internal_path="residual"
    ... )
    >>> report = keras_pnnh.audit(twin)
    >>> report.plain, report.merges
    (False, ('stage1_block1_add', 'stage2_block1_add'))
    >>> report.macs, report.layers[-1].output_shape
    (39248, (10,))
    """

    plain: bool
    name: str
    merges: tuple[str, ...]
    forks: tuple[str, ...]
    shared: tuple[str, ...]
    depth: int
    parameters: int
    folded_parameters: int
    macs: int
    pass_through_channels: int
    written_out_macs: int | None
    written_out_parameters: int | None
    peak_activation: int
    peak_layer: str
    layers: tuple[LayerRow, ...]
    uncounted: tuple[str, ...] = ()
    in_range_macs: int | None = None
    in_range_parameters: int | None = None

    @property
    def chain(self) -> bool:
        """Whether every layer reads one tensor, and each is read once."""
        return not self.merges and not self.forks

    @property
    def pass_through(self) -> bool:
        """Whether it is one chain of layers in which channels pass by.

        Such a layer becomes slices and joins in an exported file.
        """
        return self.chain and not self.plain

    def raise_if_not_plain(self) -> None:
        """Raise unless the network is one chain of standard layers.

        Raises:
            ValueError: Naming the first layer where paths merge or part, or
                the pass-through channels.
        """
        self.raise_if_no_chain()
        if not self.plain:
            raise ValueError(
                "A plain network is one chain of standard layers. Received: "
                f"model '{self.name}', one chain of this library's layers "
                f"with {self.pass_through_channels:,} pass-through channels, "
                "which become slices and joins in an exported file. Write "
                "them out: `keras_pnnh.write_out(model)`."
            )

    def raise_if_no_chain(self) -> None:
        """Raise unless the network is one chain, plain or pass-through.

        Raises:
            ValueError: Naming the first layer where paths merge or part.
        """
        if not self.chain:
            repair = (
                "Fold it first: `keras_pnnh.fold(model)`."
                if self.shared
                else 'Build it with `internal_path="coder"` and fold it.'
            )
            raise ValueError(
                "A plain network is one chain of layers. Received: model "
                f"'{self.name}', whose {self._obstacle()}. {repair}"
            )

    def _obstacle(self):
        """Where the chain ends, in words."""
        if self.merges:
            return f"paths merge at layer {_first_of(self.merges)}"
        return f"paths part at layer {_first_of(self.forks)}"

    def _verdict(self):
        if self.plain:
            return "yes"
        if self.pass_through:
            return (
                "no, pass-through: one chain of this library's layers, slices "
                "and joins in an exported file unless written out"
            )
        if self.shared:
            return (
                f"no, layers still share {_first_of(self.shared)}: fold it "
                "first, `keras_pnnh.fold(model)`"
            )
        return f"no, {self._obstacle()}"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(str(self))

    def __str__(self) -> str:
        lines = [
            f"{self.name}: {self.depth} weighted layers on the longest path",
            f"  plain: {self._verdict()}",
            f"  parameters: {self.parameters:,}"
            f" (folded: {self.folded_parameters:,})",
            f"  multiply-accumulates: {self.macs:,}{without(self.uncounted)}",
            f"  pass-through channels: {self.pass_through_channels:,}; "
            f"written out: {count_or_none(self.written_out_macs)} "
            "multiply-accumulates, "
            f"{count_or_none(self.written_out_parameters)} parameters, in a "
            f"range {count_or_none(self.in_range_macs)} and "
            f"{count_or_none(self.in_range_parameters)}",
            f"  peak activation: {self.peak_activation:,} floats, at layer "
            f"'{self.peak_layer}'",
        ]
        return "\n".join(lines)


def compare(reports: Any) -> str:
    """Reports side by side.

    Args:
        reports: Dictionary from the heading of a column to an `AuditReport`.

    Returns:
        A table as text, one column per report.

    Raises:
        ValueError: If there is no report.

    Example:

    >>> import keras_pnnh
    >>> twin = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3), internal_path="residual"
    ... )
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> chain = keras_pnnh.fold(model)
    >>> reports = {"chain": chain, "twin": twin}
    >>> reports = {name: keras_pnnh.audit(net) for name, net in reports.items()}
    >>> print(keras_pnnh.auditing.compare(reports))
                                          chain    twin
    plain                                   yes      no
    weighted layers on the longest path       6       6
    layers where paths merge                  0       2
    parameters                            1,378   1,462
    ...
    peak activation (floats)                656     784
    """
    if not reports:
        raise ValueError(
            "A comparison needs at least one report. Received: "
            f"reports={reports}. Pass `{{'plain': audit(model)}}`."
        )
    columns = [
        (_short_verdict(report),)
        + tuple(
            count_or_none(number)
            for number in (
                report.depth,
                len(report.merges),
                report.parameters,
                report.folded_parameters,
                report.macs,
                report.pass_through_channels,
                report.written_out_macs,
                report.peak_activation,
            )
        )
        for report in reports.values()
    ]
    return as_table(["", *reports], zip(ROWS, *columns, strict=True))


def _short_verdict(report):
    if report.pass_through:
        return "pass-through"
    return "yes" if report.plain else "no"


def count_or_none(count: int | None) -> str:
    """A count as text, "none" for what does not exist."""
    return "none" if count is None else f"{count:,}"


def without(uncounted: Any) -> str:
    """What a count leaves out, in words."""
    if not uncounted:
        return ""
    return f", without those of layer {_first_of(uncounted)}"


def _first_of(names):
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"'{names[0]}'{more}"
