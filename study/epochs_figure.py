"""Validation error over the epochs of the longest comparison."""

import statistics

import report

from keras_pnnh.presentation.line_styles import STYLES

NETWORKS = {
    "none-20": "plain, no path",
    "residual-20": "residual",
    "coder-20": "code added to the learner (PNNH)",
    "coder-beside-20": "half a learner beside half a code (PNNH)",
    "coder-beside-full-20": "learner beside code (PNNH)",
    "coder-beside-narrow-20": "the same in narrow stages (PNNH)",
}


def errors():
    """Validation error in %, `{network: [for each seed [for each epoch]]}`."""
    records = report.read("confirmation")
    return {
        network: [
            [round(100 * (1 - row["val_accuracy"]), 2) for row in run["epochs"]]
            for run in records[network]
        ]
        for network in NETWORKS
        if network in records
    }


def plot(axes, numbers):
    """The mean over the seeds as a line, their range as its shade."""
    for network, (color, line, marker) in zip(NETWORKS, STYLES, strict=True):
        if network not in numbers:
            continue
        by_epoch = list(zip(*numbers[network], strict=True))
        epochs = range(1, len(by_epoch) + 1)
        axes.plot(
            epochs,
            [statistics.mean(values) for values in by_epoch],
            color=color,
            linestyle=line,
            marker=marker,
            markersize=4,
            label=NETWORKS[network],
        )
        axes.fill_between(
            epochs,
            [min(values) for values in by_epoch],
            [max(values) for values in by_epoch],
            color=color,
            alpha=0.15,
            linewidth=0,
        )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation error, %")
