"""The summary of a report, as a notebook shows it."""

import html

from keras_pnnh.presentation.plain_text import as_plain_text


def as_html(summary: str) -> str:
    """A table of what `print` shows: a heading, then names and values.

    Args:
        summary: A line for the heading, then lines such as `"  name: value"`.

    Example:

    >>> from keras_pnnh.presentation.html_summary import as_html
    >>> "<th>plain</th><td>yes</td>" in as_html("net: 3 layers\\n  plain: yes")
    True
    """
    heading, *lines = map(as_plain_text, summary.splitlines())
    rows = []
    for line in lines:
        name, separator, value = line.strip().partition(": ")
        if not separator:
            name, value = "", name
        rows.append(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        )
    return (
        f"<table><caption>{html.escape(heading)}</caption>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
