"""A report on networks as one page, which holds everything."""

import base64
from pathlib import Path
from typing import Any

from keras_pnnh.files import write_text
from keras_pnnh.presentation.html_page import as_page, escaped


def write_html(
    path: str | Path, title: str, results: Any, figures: Any
) -> None:
    """Write a report into one file, figures included.

    Args:
        path: Where to write.
        title: Heading of the page.
        results: Dictionary from label of a network to its `Preflight`.
        figures: Dictionary from caption to the path of a PNG file.

    Raises:
        OSError: If the page cannot be written or a figure not be read.
    """
    parts = ["<h2>Will it train?</h2>", _verdicts(results)]
    for caption, figure in figures.items():
        parts.append(_figure(caption, figure))
    for label, result in results.items():
        parts.append(_layers(label, result.signal))
    write_text(path, as_page(title, parts))


def _verdicts(results):
    items = []
    for label, result in results.items():
        faults = "".join(
            f"<li>{escaped(fault)}</li>" for fault in result.faults
        )
        items.append(
            f"<p>{escaped(label)}: "
            f'<span class="verdict">{escaped(result.verdict)}</span>'
            f"{_doubt(result)}; "
            f"{100 * result.score:.1f} % of the input's variance can be read "
            f"in the last layer.</p><ul>{faults}</ul>"
        )
    return "\n".join(items)


def _doubt(result):
    if result.certain:
        return ""
    return escaped(f" (uncertain: {result.half_verdict} on half of the images)")


def _figure(caption, path):
    data = base64.b64encode(Path(path).read_bytes()).decode()
    text = escaped(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _layers(label, signal):
    """A table, folded away: people look at the figure."""
    fields = signal.layers[0]._fields
    head = "".join(f"<th>{escaped(field)}</th>" for field in fields)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in layer) + "</tr>"
        for layer in signal.layers
    )
    return (
        f"<details><summary>{escaped(label)}, layer by layer</summary>"
        f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
        "</details>"
    )


def _cell(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return escaped(value)
