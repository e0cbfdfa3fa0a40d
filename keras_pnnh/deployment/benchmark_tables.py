"""The numbers of a benchmark as tables of a page."""

from collections.abc import Mapping
from typing import Any

from keras_pnnh.presentation.html_page import as_html_table


def tables(record: Mapping[str, Any]) -> list[str]:
    """Latency, throughput and memory of each runtime, and the counts.

    Args:
        record: See `cli.contestants.measure`.

    Returns:
        HTML, a table each.
    """
    size = record["settings"]["batch_size"]
    made = []
    for runtime in dict.fromkeys(row["runtime"] for row in record["rows"]):
        rows = [row for row in record["rows"] if row["runtime"] == runtime]
        made.append(
            as_html_table(
                f"{runtime}; images/s and memory in batches of {size}",
                (
                    "network",
                    "1 image, ms",
                    "ratio",
                    "images/s",
                    "ratio of times",
                    "memory, MB",
                    "ratio",
                ),
                [
                    (
                        row["model"],
                        f"{1e3 * row['latency']:.2f}",
                        _ratio(row, "latency"),
                        f"{row['throughput']:,.1f}",
                        _ratio(row, "throughput"),
                        _shown(row["memory"], "{:,.1f}", 1e6),
                        _shown(row["memory_ratio"], "{:.2f}x"),
                    )
                    for row in rows
                ],
            )
        )
    made.append(
        as_html_table(
            "Counted by audit, for one image",
            (
                "network",
                "multiply-accumulates",
                "parameters",
                "peak activation, floats",
                "at layer",
            ),
            [
                (
                    label,
                    f"{count['macs']:,}",
                    f"{count['parameters']:,}",
                    f"{count['peak_activation']:,}",
                    count["peak_layer"],
                )
                for label, count in record["counts"].items()
            ],
        )
    )
    return made


def _ratio(row, what):
    """A ratio, and the range that it is known to."""
    text = f"{row[f'{what}_ratio']:.2f}x"
    known = row.get(f"{what}_range")
    if not known or known[0] == known[1]:
        return text
    return f"{text} ({known[0]:.2f} to {known[1]:.2f})"


def _shown(number, form, unit=1.0):
    return "-" if number is None else form.format(number / unit)
