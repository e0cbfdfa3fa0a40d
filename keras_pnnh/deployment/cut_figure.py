"""What travels between two parts of a network, over the depth of the cut."""

from typing import Any

from keras_pnnh.graph import list_cuts
from keras_pnnh.presentation.canvas import new_figure, save_figure
from keras_pnnh.presentation.line_styles import STYLES


def plot_cuts(models: Any, path: Any) -> None:
    """Draw how many numbers travel at each place of a cut into a PNG file.

    A point for every place after a layer; crosses are those where more than
    one tensor would have to travel, at which `split` does not cut. A broken
    line is the size of the image.

    Args:
        models: Dictionary from label to a functional or sequential
            `keras.Model` whose sizes are all known, such as
            `{"chain": fold(model), "twin": fold(twin)}`.
        path: Where to write.

    Raises:
        ValueError: If there is no model, or a size varies.
        ModuleNotFoundError: If matplotlib is not installed.
        OSError: If the file cannot be written.

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> models = {"chain": keras_pnnh.fold(model)}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "cuts.png")
    ...     keras_pnnh.deployment.plot_cuts(models, path)
    ...     path.is_file()
    True
    """
    if not models:
        raise ValueError(
            f"A figure needs at least one model. Received: models={models}. "
            "Pass `{'chain': fold(model)}`."
        )
    figure = new_figure(8, 4.2)
    axis = figure.subplots()
    for number, (label, model) in enumerate(models.items()):
        color, dashes, marker = STYLES[number % len(STYLES)]
        cuts = list_cuts(model)
        sizes = [cut.floats for cut in cuts]
        if None in sizes:
            raise ValueError(
                "Sizes are drawn of images of one size. Received: model "
                f"'{model.name}' for images of shape {model.input_shape[1:]}. "
                "Build it with an `input_shape`."
            )
        places = [place / max(1, len(cuts) - 1) for place in range(len(cuts))]
        axis.plot(
            places, sizes, color=color, linestyle=dashes, linewidth=1.2,
            label=label,
        )  # fmt: skip
        for bad, sign in ((False, marker), (True, "x")):
            some = [i for i, cut in enumerate(cuts) if bool(cut.others) == bad]
            axis.scatter(
                [places[i] for i in some],
                [sizes[i] for i in some],
                color=color,
                marker=sign,
                s=18,
            )
        if number == 0:
            axis.axhline(sizes[0], color="0.5", linestyle="--", linewidth=0.8)
    axis.set_xlabel("place of the cut (share of the layers)")
    axis.set_ylabel("numbers that travel for one image")
    axis.set_yscale("log")
    axis.grid(alpha=0.3)
    axis.legend()
    save_figure(figure, path)
