"""What an export returns."""

from typing import NamedTuple

from keras_pnnh.presentation.html_summary import as_html

# Share of the labels; a file below it says so first.
LEAST_AGREEMENT = 0.85


class ExportReport(NamedTuple):
    """An exported file, compared with the Keras model it was made from.

    `print` shows a summary. What was not compared is None.

    Attributes:
        format: As `export` was asked for.
        path: Where the file is.
        size: Bytes of the file.
        writer: The Keras backend that wrote it.
        runtime: Package and version that ran it.
        images: Number of images that both were run on.
        largest_difference: Largest difference of any result.
        relative_difference: The same, divided by the largest result.
        top1_agreement: Share of the images with the same largest result.
        changes: What was done to the model before, in a few words each.
        joins: Number of joins in the file that bypass weights or attention.
        script: Text of a Python script that runs the file without Keras.
        signal_to_noise: Of the results, in dB.

    Example:

    >>> import tempfile
    >>> import keras
    >>> from keras_pnnh.deployment import export
    >>> x = keras.Input((8, 8, 3))
    >>> chain = keras.Model(x, keras.layers.Conv2D(4, 3)(x))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export(chain, f"{folder}/chain.pt2", "torch")
    >>> report.format, report.largest_difference < 1e-3
    ('torch', True)
    """

    format: str
    path: str
    size: int
    writer: str
    runtime: str
    images: int | None = None
    largest_difference: float | None = None
    relative_difference: float | None = None
    top1_agreement: float | None = None
    changes: tuple[str, ...] = ()
    joins: int | None = None
    script: str = ""
    signal_to_noise: float | None = None

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(str(self))

    def __str__(self) -> str:
        lines = self._warning()
        lines += [
            f"{self.path}: {self.format}, {self.size:,} bytes, written with "
            f"Keras on {self.writer}"
        ]
        if self.changes:
            lines.append(f"  written: {'; '.join(self.changes)}")
        if self.joins is not None:
            lines.append(f"  {self._chain()}")
        if self.images is None or self.top1_agreement is None:
            lines.append("  not compared with the Keras model (verify=False)")
        else:
            lines += [
                f"  run in {self.runtime} on {self.images} images",
                f"  largest difference: {self.largest_difference:.2g} "
                f"({self.relative_difference:.2g} of the largest result)",
                f"  same largest result: {100 * self.top1_agreement:.1f} % of "
                "the images",
            ]
        if self.signal_to_noise is not None:
            lines += [
                f"  signal-to-noise ratio of the results: "
                f"{self.signal_to_noise:.1f} dB",
            ]
        return "\n".join(lines)

    def _warning(self):
        """The first line for a file that is too different to be of use."""
        agreement = self.top1_agreement
        if agreement is None or agreement >= LEAST_AGREEMENT:
            return []
        return [
            f"WARNING: only {100 * agreement:.1f} % of the images get the "
            f"label that the Keras model gives them (below "
            f"{100 * LEAST_AGREEMENT:.0f} %)"
        ]

    def _chain(self):
        if not self.joins:
            return "one chain: no join in the file bypasses weights"
        return (
            f"no chain: {self.joins} joins in the file bypass weights or "
            "attention"
        )
