"""A plain network classifies real photographs; proof that it is plain.

Run:   make demo   (or python examples/demo.py with the package installed)
Needs: no network, no data beyond what the package brings; the pictures need
       the extra `images`.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import keras_pnnh
from keras_pnnh.applications import PlainResNet20, decode_predictions
from keras_pnnh.auditing import compare
from keras_pnnh.data.picture import read_image
from keras_pnnh.samples import sample_images
from keras_pnnh.weights import find_classifier


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo"))
    options = parser.parse_args()
    console = Console(width=100)

    samples = sample_images()
    model = PlainResNet20(weights="cifar10")
    images = np.stack([read_image(sample.path) for sample in samples])
    probabilities = model.predict(images, verbose=0)
    labels = find_classifier("plain_resnet20", "cifar10").labels
    predictions = decode_predictions(probabilities, top=3, labels=labels)
    console.print(as_table(samples, predictions))
    right = sum(
        best[0].label == sample.label
        for best, sample in zip(predictions, samples, strict=True)
    )
    console.print(f"{right} of {len(samples)} right at the first guess")
    picture = options.output / "predictions.png"
    draw(samples, predictions, picture)
    console.print(f"picture: {picture}\n")

    plain = keras_pnnh.fold(model, name="plain_resnet20_folded")
    twin = keras_pnnh.fold(
        PlainResNet20(internal_path="residual"), name="residual_twin_folded"
    )
    reports = {
        folded.name: keras_pnnh.audit(folded) for folded in (plain, twin)
    }
    console.print(compare(reports), markup=False, highlight=False)
    console.print()
    for report in reports.values():
        console.print(str(report), markup=False, highlight=False)
    difference = np.abs(plain.predict(images, verbose=0) - probabilities).max()
    console.print(
        f"\nlargest difference of a probability, folded - unfolded: "
        f"{difference:.1e}"
    )
    path = options.output / "plain_resnet20_folded.keras"
    plain.save(path)
    console.print(f"folded network: {path}")


def as_table(samples, predictions):
    """A row for each image; the true label is red where the first is wrong."""
    table = Table("image", "label", "top 1", "top 2", "top 3")
    for sample, best in zip(samples, predictions, strict=True):
        right = best[0].label == sample.label
        table.add_row(
            f"{sample.path.parent.name}/{sample.path.name}",
            sample.label if right else f"[red]{sample.label}[/]",
            *(f"{each.label} {100 * each.score:.1f} %" for each in best),
        )
    return table


def draw(samples, predictions, path, columns=6):
    """Write the images with their predicted labels; red where wrong."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    rows = -(-len(samples) // columns)
    figure = Figure(figsize=(1.7 * columns, 2.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, sample, best in zip(axes, samples, predictions, strict=False):
        axis.imshow(Image.open(sample.path), interpolation="nearest")
        text = f"{best[0].label} {100 * best[0].score:.0f} %"
        label = sample.label
        wrong = best[0].label != label
        axis.set_title(
            f"{text}\n(is: {label})" if wrong else text,
            fontsize=10,
            color="firebrick" if wrong else "black",
        )
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
