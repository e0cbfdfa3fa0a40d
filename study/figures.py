"""The figures of the study, from the records.

`tools/tables.py` redraws one when a record has changed: the picture
carries the digest of the numbers that it shows.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import accuracy_figure
import depth_figure
import epochs_figure
import grid
import survival_bound
from PIL import Image

from keras_pnnh.files import replace_when_complete

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
DIGEST = "Source"  # key of the PNG text


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture of one table's records.

    Attributes:
        table: Name of the table, and of the picture's file.
        read: Returns the numbers to show, of which JSON can be made.
        plot: Called with matplotlib's `Axes` and the numbers.
        title: Of the picture; None says the conditions of the table.
        panels: How many stand side by side; `plot` is called with a list of
            them where there are several.
    """

    table: str
    read: Callable
    plot: Callable
    title: str | None = None
    panels: int = 1

    @property
    def path(self):
        return FOLDER / f"{self.table}.png"

    def is_current(self):
        """Whether the picture shows what the records say."""
        if not self.path.is_file():
            return False
        with Image.open(self.path) as picture:
            return picture.info.get(DIGEST) == digest(self.read())

    def draw(self):
        from matplotlib.figure import Figure as Canvas

        numbers = self.read()
        canvas = Canvas(figsize=(7 + 2 * (self.panels > 1), 4))
        canvas.set_layout_engine("constrained")
        axes = canvas.subplots(1, self.panels, sharey=True, squeeze=False)[0]
        self.plot(axes[0] if self.panels == 1 else axes, numbers)
        title = self.title or conditions(grid.TABLES[self.table])
        canvas.suptitle(title, fontsize=10)
        for panel in axes:
            panel.grid(alpha=0.3)
        axes[0].legend(fontsize="small" if self.panels > 1 else None)
        with replace_when_complete(self.path) as temporary:
            canvas.savefig(
                temporary,
                dpi=120,
                format="png",
                metadata={DIGEST: digest(numbers)},
            )


def digest(numbers):
    text = json.dumps(numbers, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def conditions(table):
    epochs = table.changes["epochs"]
    return (
        f"CIFAR-10 (JPEG copy) at {table.size}x{table.size} pixels, "
        f"{epochs} epoch{'s' if epochs > 1 else ''} of training"
    )


FIGURES = (
    Figure(
        "accuracy",
        accuracy_figure.points,
        accuracy_figure.plot,
        "CIFAR-10 at 32x32 pixels: 24 epochs (small), 80 epochs (large), "
        "published (hollow)",
        panels=2,
    ),
    Figure("depth", depth_figure.errors, depth_figure.plot),
    Figure("confirmation", epochs_figure.errors, epochs_figure.plot),
    Figure(
        "survival_bound",
        survival_bound.read,
        survival_bound.plot,
        "One layer of random weights on a rectified normal",
    ),
)
