"""One page that holds everything: it can be mailed and read offline."""

import html
from collections.abc import Iterable, Sequence

from keras_pnnh.presentation.plain_text import as_plain_text

# The policy forbids what the page does not do: scripts and the network.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
:root {{ --text: #1a1a1a; --back: #fff; --line: #ddd; --soft: #f4f5f7; }}
@media (prefers-color-scheme: dark) {{
:root {{ --text: #e4e6ea; --back: #16181d; --line: #3a3e46; --soft: #20232a; }}
}}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--text);
 background: var(--back); max-width: 72rem; margin: 2rem auto;
 padding: 0 1rem; overflow-wrap: break-word; }}
h1 {{ line-height: 1.2; }}
figure {{ margin: 0 0 1rem; }}
figure:has(svg) {{ max-width: 32rem; }}
figcaption, caption {{ font-size: 0.85rem; text-align: left; }}
caption {{ font-weight: bold; padding: 0.4rem 0; }}
img {{ width: 100%; height: auto; background: #fff; }}
svg {{ width: 100%; height: auto; fill: currentColor; }}
svg text {{ font-family: system-ui, sans-serif !important; }}
table {{ border-collapse: collapse; font-size: 0.85rem; margin-bottom: 1rem;
 font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.2rem 0.7rem; text-align: right;
 border-bottom: 1px solid var(--line); }}
th:first-child, td:first-child {{ text-align: left; }}
.scroll {{ overflow-x: auto; }}
.grid {{ display: grid; gap: 1rem 2rem;
 grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }}
.box {{ background: var(--soft); border-radius: 0.5rem;
 padding: 0.2rem 1.2rem; }}
.box h2 {{ font-size: 1.1rem; margin: 0.6rem 0; }}
.box ul {{ padding-left: 1.2rem; }}
.box p, .box ul {{ margin: 0.4rem 0; }}
.verdict {{ font-weight: bold; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def as_page(title: str, parts: Iterable[str]) -> str:
    """A page of its own, for light and dark, wide and narrow screens.

    Args:
        title: Heading of the page, any text.
        parts: What follows, in HTML.

    Example:

    >>> from keras_pnnh.presentation.html_page import as_page
    >>> "<h1>A &amp; B</h1>" in as_page("A & B", ["<p>One.</p>"])
    True
    """
    return PAGE.format(title=escaped(title), body="\n".join(parts))


def escaped(value: object) -> str:
    """What comes from outside, as text of a page.

    Example:

    >>> from keras_pnnh.presentation.html_page import escaped
    >>> escaped("<b>\\x1b")
    '&lt;b&gt;\\\\x1b'
    """
    return html.escape(as_plain_text(value))


def as_html_table(
    caption: str, headings: Iterable[str], rows: Iterable[Sequence[str]]
) -> str:
    """A table that scrolls by itself where the screen is narrow.

    Args:
        caption: What it shows, any text.
        headings: Texts, one for each column.
        rows: Lists of as many texts.

    Example:

    >>> from keras_pnnh.presentation.html_page import as_html_table
    >>> "<td>1 &lt; 2</td>" in as_html_table("Sizes", ["size"], [["1 < 2"]])
    True
    """
    head = "".join(f"<th>{escaped(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{escaped(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        "</div>"
    )
