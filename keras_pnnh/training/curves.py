"""Plot of a run's metrics over its epochs."""

from keras_pnnh.files import replace_when_complete


def plot_curves(epochs, path, title=""):
    """Draw loss and accuracy over the epochs into a PNG file.

    Args:
        epochs: Metrics per epoch, as in a run's record.
        path: Where to write.
        title: Title of the figure.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    numbers = [row["epoch"] for row in epochs]
    for axis, metric in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), strict=True
    ):
        for key, label, style in (
            (metric, "training", "-"),
            (f"val_{metric}", "validation", "--"),
        ):
            if key in epochs[0]:
                values = [row[key] for row in epochs]
                axis.plot(numbers, values, style, label=label, marker=".")
        axis.set(xlabel="epoch", ylabel=metric)
        axis.legend()
        axis.grid(alpha=0.3)
    figure.suptitle(title)
    with replace_when_complete(path) as unfinished:
        figure.savefig(unfinished, dpi=120, format="png")
