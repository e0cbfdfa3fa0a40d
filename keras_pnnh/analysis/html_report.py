"""One page that holds everything: it can be mailed and read offline."""

import base64
import html
from pathlib import Path
from typing import Any

from keras_pnnh.files import write_text
from keras_pnnh.presentation.plain_text import as_plain_text

# The policy forbids what the page does not do: scripts and the network.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a;
 max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
img {{ width: 100%; height: auto; }}
table {{ border-collapse: collapse; font-size: 0.85rem; }}
th, td {{ padding: 0.2rem 0.7rem; text-align: right;
 border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; }}
.scroll {{ overflow-x: auto; }}
.verdict {{ font-weight: bold; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


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
    page = PAGE.format(title=_text(title), body="\n".join(parts))
    write_text(path, page)


def _text(value):
    """What comes from files, as text of a page."""
    return html.escape(as_plain_text(value))


def _verdicts(results):
    items = []
    for label, result in results.items():
        faults = "".join(f"<li>{_text(fault)}</li>" for fault in result.faults)
        items.append(
            f"<p>{_text(label)}: "
            f'<span class="verdict">{_text(result.verdict)}</span>'
            f"{_doubt(result)}; "
            f"{100 * result.score:.1f} % of the input's variance can be read "
            f"in the last layer.</p><ul>{faults}</ul>"
        )
    return "\n".join(items)


def _doubt(result):
    if result.certain:
        return ""
    return _text(f" (uncertain: {result.half_verdict} on half of the images)")


def _figure(caption, path):
    data = base64.b64encode(Path(path).read_bytes()).decode()
    text = _text(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _layers(label, signal):
    """A table, folded away: people look at the figure."""
    fields = signal.layers[0]._fields
    head = "".join(f"<th>{_text(field)}</th>" for field in fields)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in layer) + "</tr>"
        for layer in signal.layers
    )
    return (
        f"<details><summary>{_text(label)}, layer by layer</summary>"
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
    return _text(value)
