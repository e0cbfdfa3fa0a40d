"""Test error over depth."""

import statistics

import grid
import report

from keras_pnnh.presentation.line_styles import STYLES

NETWORKS = {
    "none": "plain, no path",
    "residual": "residual",
    "coder-learner-gain0.3": "plain with coder (PNNH)",
    "coder-beside": "PNNH with half the parameters",
}


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


def plot(axes, numbers):
    """Mean and standard deviation over the seeds, a line for each network."""
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
    axes.set_xticks(sorted(grid.TABLES["depth"].depths))
    axes.set_xlabel("weighted layers")
    axes.set_ylabel("test error, %")


def _spread(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0
