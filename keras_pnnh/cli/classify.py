"""The command `keras-pnnh classify`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_pnnh.cli.options import (
    SubParsers,
    add_model,
    add_weights,
)

if TYPE_CHECKING:
    from rich.table import Table

    from keras_pnnh.applications.decode_predictions import Prediction

DEFAULT = "plain_resnet20.cifar10"


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "classify", help="classify image files", allow_abbrev=False
    )
    command.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files"
    )
    add_model(command, required=False)
    add_weights(
        command, required=False, default=DEFAULT, more=f"; default: {DEFAULT}"
    )
    command.add_argument(
        "--top",
        type=int,
        default=3,
        help="how many classes to name for each image; default: 3",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the likeliest classes of every image."""
    import numpy as np
    from rich.console import Console

    from keras_pnnh.applications import decode_predictions
    from keras_pnnh.cli.images import as_model_takes
    from keras_pnnh.cli.networks import open_trained
    from keras_pnnh.data.picture import read_image

    model, classifier = open_trained(options)
    classes = len(classifier.labels)
    if not 1 <= options.top <= classes:
        raise ValueError(
            f"`top` must lie between 1 and the {classes} classes of these "
            f"weights. Received: top={options.top}."
        )
    height, width = classifier.image_size
    images = np.stack(
        [read_image(path, (height, width)) for path in options.images]
    )
    scores = model.predict(as_model_takes(images), verbose=0)
    predictions = decode_predictions(scores, options.top, classifier.labels)
    Console().print(as_table(options.images, predictions))
    return 0


def as_table(
    paths: Sequence[str | Path], predictions: Sequence[Sequence["Prediction"]]
) -> "Table":
    """A table for the terminal, a row for each image.

    Class names and file names are shown as text: neither markup nor escape
    codes in them have an effect.

    Args:
        paths: The image files.
        predictions: From `decode_predictions`, one list for each path.
    """
    from rich.table import Table
    from rich.text import Text

    from keras_pnnh.presentation.plain_text import as_plain_text

    table = Table()
    table.add_column("image", overflow="fold")
    for rank in range(1, len(predictions[0]) + 1):
        table.add_column(f"top {rank}")
    for path, best in zip(map(Path, paths), predictions, strict=True):
        cells = [str(Path(path.parent.name) / path.name)]
        cells += [f"{each.label} {100 * each.score:.1f} %" for each in best]
        table.add_row(*(Text(as_plain_text(cell)) for cell in cells))
    return table
