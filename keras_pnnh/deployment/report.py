"""What an export returns."""

from typing import NamedTuple


class ExportReport(NamedTuple):
    """An exported file beside the Keras model it was made from.

    `print` shows a summary. What was not compared is None.
    """

    format: str
    path: str
    size: int  # bytes
    writer: str  # the Keras backend that wrote it
    runtime: str  # package and version that ran it
    images: int | None = None  # that both were run on
    largest_difference: float | None = None  # of any result
    relative_difference: float | None = None  # to the largest result
    top1_agreement: float | None = None  # share of the images

    def __str__(self) -> str:
        lines = [
            f"{self.path}: {self.format}, {self.size:,} bytes, written with "
            f"Keras on {self.writer}"
        ]
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
        return "\n".join(lines)
