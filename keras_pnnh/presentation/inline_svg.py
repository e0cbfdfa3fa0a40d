"""A figure as a part of an HTML page."""

import io
import re
from typing import TYPE_CHECKING

from keras_pnnh.presentation.canvas import show_as_text
from keras_pnnh.presentation.html_page import escaped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Groups are called alike in every figure, and a page has several.
GROUP = re.compile(r'<g id="[^"]*">')


def as_inline_svg(figure: "Figure", caption: str) -> str:
    """A figure whose black lines and letters take the colour of the page.

    Args:
        figure: From `new_figure`.
        caption: What it shows: its caption, and what a screen reader says.

    Example:

    >>> from keras_pnnh.presentation.canvas import new_figure
    >>> from keras_pnnh.presentation.inline_svg import as_inline_svg
    >>> text = as_inline_svg(new_figure(3, 2), "Nothing yet")
    >>> text.startswith("<figure>"), 'aria-label="Nothing yet"' in text
    (True, True)
    """
    import matplotlib

    show_as_text(figure)
    file = io.StringIO()
    # Letters stay letters, and the salt keeps the names of two figures apart.
    style = {"svg.fonttype": "none", "svg.hashsalt": caption}
    with matplotlib.rc_context(style):
        figure.savefig(
            file, format="svg", transparent=True, metadata={"Date": None}
        )
    text = file.getvalue()
    text = text[text.index("<svg ") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' (?:width|height)="[0-9.]+pt"', "", text, count=2)
    text = GROUP.sub("<g>", text).replace("#000000", "currentColor")
    label = escaped(caption)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return f"<figure>{text}<figcaption>{label}</figcaption></figure>"
