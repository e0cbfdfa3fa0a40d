"""Figures in files, without a display and without matplotlib's global state."""

from pathlib import Path
from typing import TYPE_CHECKING

from keras_pnnh.files import replace_when_complete

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

    Dollar signs stay dollar signs: names of models and classes are no
    formulas.

    Args:
        figure: From `new_figure`.
        path: Where to write.
        format: `"png"` or `"svg"`, whatever the path ends in.
        dpi: Dots per inch.

    Raises:
        OSError: If the file cannot be written.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)  # type: ignore[attr-defined]
    with replace_when_complete(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi, format=format)
