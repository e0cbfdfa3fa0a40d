"""Tables for the terminal."""


def as_table(headings, rows):
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


def _shown(cell):
    if cell is None:
        return "-"
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)
