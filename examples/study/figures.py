"""The figure of the study: test error over depth, from the records.

`examples/tables.py` draws it anew when a record has changed: the picture
carries the digest of the numbers that it shows.
"""

import hashlib
import json
import statistics
from pathlib import Path

import grid
import report
from PIL import Image

from keras_pnnh.files import replace_when_complete
from keras_pnnh.line_styles import STYLES

PATH = Path(__file__).parents[2] / "docs" / "figures" / "depth.png"
NETWORKS = {
    "none": "plain, no path",
    "residual": "residual",
    "coder-learner-gain0.3": "plain with coder (PNNH)",
    "coder-beside": "PNNH with half the parameters",
}
DIGEST = "Source"  # key of the PNG text


def errors():
    """Test error in %, `{network: {depth: [one number for each seed]}}`."""
    found = {network: {} for network in NETWORKS}
    for label, runs in report.read("depth").items():
        network, _, depth = label.rpartition("-")
        finished = [run["test"]["accuracy"] for run in runs if "test" in run]
        if finished:
            found[network][int(depth)] = [
                round(100 * (1 - accuracy), 2) for accuracy in finished
            ]
    return found


def is_current():
    """Whether the picture shows what the records say."""
    if not PATH.is_file():
        return False
    with Image.open(PATH) as picture:
        return picture.info.get(DIGEST) == digest(errors())


def digest(numbers):
    text = json.dumps(numbers, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def draw():
    from matplotlib.figure import Figure

    numbers = errors()
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for (network, by_depth), (color, line, marker) in zip(
        numbers.items(), STYLES, strict=False
    ):
        depths = sorted(by_depth)
        axes.errorbar(
            depths,
            [statistics.mean(by_depth[depth]) for depth in depths],
            [_spread(by_depth[depth]) for depth in depths],
            color=color,
            linestyle=line,
            marker=marker,
            capsize=3,
            label=NETWORKS[network],
        )
    table = grid.TABLES["depth"]
    axes.set_xticks(sorted(table.depths))
    axes.set_xlabel("weighted layers")
    axes.set_ylabel("test error, %")
    axes.set_title(
        f"CIFAR-10 (JPEG copy) at {table.size}x{table.size} pixels, "
        f"{table.changes['epochs']} epoch of training",
        fontsize=10,
    )
    axes.grid(alpha=0.3)
    axes.legend()
    with replace_when_complete(PATH) as temporary:
        figure.savefig(
            temporary,
            dpi=120,
            format="png",
            metadata={DIGEST: digest(numbers)},
        )


def _spread(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0
