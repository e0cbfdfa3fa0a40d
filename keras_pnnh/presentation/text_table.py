"""Tables for the terminal and for documents."""

from collections.abc import Iterable, Mapping, Sequence

from keras_pnnh.presentation.plain_text import as_plain_text

Cell = str | int | float | None


def as_table(headings: Iterable[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Columns under their headings; the first to the left, numbers right.

    Args:
        headings: List of strings.
        rows: List of lists of as many cells: strings, integers, floats (three
            significant digits) or None (a dash).
    """
    cells = [list(headings), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [
                cell.rjust(width)
                for cell, width in zip(line[1:], widths[1:], strict=True)
            ]
        )
        for line in cells
    )


def as_markdown(rows: Sequence[Mapping[str, Cell]]) -> str:
    """A Markdown table with the keys as headings.

    Args:
        rows: List of dicts with the same keys; cells are strings, numbers or
            None (a dash). Integers get separators, floats are shown as they
            are.
    """
    lines = [list(rows[0]), *(map(_in_full, row.values()) for row in rows)]
    heading, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([heading, "|" + "---|" * len(rows[0]), *body])


def _in_full(cell):
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _shown(cell):
    if cell is None:
        return "-"
    # Names of layers and networks come from files.
    return f"{cell:.3g}" if isinstance(cell, float) else as_plain_text(cell)
