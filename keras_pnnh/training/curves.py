"""Plot of a run's metrics over its epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_pnnh.presentation.canvas import new_figure, save_figure


def plot_curves(
    epochs: Sequence[Mapping[str, float]],
    path: str | Path,
    title: str = "",
) -> None:
    """Draw loss and accuracy over the epochs into a PNG file.

    Args:
        epochs: Metrics per epoch, as in a run's record; not every epoch
            needs every metric.
        path: Where to write.
        title: Title of the figure.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    figure = new_figure(9, 3.5)
    for axis, metric in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), strict=True
    ):
        for key, label, style in (
            (metric, "training", "-"),
            (f"val_{metric}", "validation", "--"),
        ):
            rows = [row for row in epochs if key in row]
            if rows:
                numbers = [row["epoch"] for row in rows]
                values = [row[key] for row in rows]
                axis.plot(numbers, values, style, label=label, marker=".")
        axis.set(xlabel="epoch", ylabel=metric)
        if axis.lines:
            axis.legend()
        axis.grid(alpha=0.3)
    figure.suptitle(title)
    save_figure(figure, path, dpi=120)
