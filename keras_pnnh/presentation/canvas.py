"""Figures in files, without a display and without matplotlib's global state."""

from pathlib import Path
from typing import TYPE_CHECKING

from keras_pnnh.files import replace_when_complete
from keras_pnnh.presentation.plain_text import as_plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure.

    Args:
        width: In inches.
        height: In inches.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Figures need matplotlib, which is not installed. Run `pip "
            "install 'keras-pnnh[images]'`."
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(
    figure: "Figure", path: str | Path, format: str = "png", dpi: int = 110
) -> None:
    """Write a figure, complete or not at all.

    Titles, labels and legends are shown as text (`show_as_text`): a dollar
    sign in the name of a model or a class starts no formula.

    Args:
        figure: From `new_figure`.
        path: Where to write.
        format: `"png"` or `"svg"`, whatever the path ends in.
        dpi: Dots per inch.

    Raises:
        OSError: If the file cannot be written.
    """
    show_as_text(figure)
    with replace_when_complete(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi, format=format)


def show_as_text(figure: "Figure") -> None:
    """Keep titles, labels and legends from being read as formulas.

    Args:
        figure: From `new_figure`, all drawn.
    """
    from matplotlib.axis import Tick
    from matplotlib.text import Text

    # Formulas of matplotlib's own: powers of ten at a logarithmic axis.
    ticks = {
        id(label)
        for tick in figure.findobj(Tick)
        for label in (tick.label1, tick.label2)  # type: ignore[attr-defined]
    }
    for text in figure.findobj(Text):
        if isinstance(text, Text) and id(text) not in ticks:
            text.set_parse_math(False)
            lines = text.get_text().split("\n")
            text.set_text("\n".join(map(as_plain_text, lines)))
