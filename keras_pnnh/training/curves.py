"""Plot of a run's metrics over its epochs."""

from keras_pnnh.presentation.canvas import new_figure, save_figure


def plot_curves(epochs, path, title=""):
    """Draw loss and accuracy over the epochs into a PNG file.

    Args:
        epochs: Metrics per epoch, as in a run's record.
        path: Where to write.
        title: Title of the figure.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    figure = new_figure(9, 3.5)
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
    save_figure(figure, path, dpi=120)
