"""Accuracy over multiplications and over parameters: the README's picture."""

import json
import statistics

import speed_tables

from keras_pnnh.presentation.line_styles import STYLES

# Table, network, what it is.
SHOWN = (
    ("final-small", "wide-11-half", "plain"),
    ("final-small", "wide-11-early", "plain"),
    ("final-small", "wide-8", "plain"),
    ("final-small", "wide-11-dirac", "plain"),
    ("final-small", "wide-11", "plain"),
    ("final-small", "wide-11-concat", "coder"),
    ("final-small", "chain-m1-20", "coder"),
    ("final-small", "chain-m2-14", "coder"),
    ("final-small", "fused4-20", "coder"),
    ("final-small", "default-20", "coder"),
    ("final-small", "residual-20", "residual"),
    ("final-small", "wide-11-skip", "residual"),
    ("bundle-small", "wide-11-dirac", "plain"),
    ("bundle-small", "wide-11-add", "coder"),
    ("bundle-large", "wide-11-dirac-wider", "plain"),
    ("bundle-large", "wide-11-dirac", "plain"),
    ("bundle-large", "wide-11-add", "coder"),
    ("final-large", "residual-56", "residual"),
)
KINDS = {
    "plain": "a chain, no path",
    "coder": "a chain with coder (PNNH)",
    "residual": "with skips",
}
# Millions of multiplications, of parameters, accuracy: on the original images.
# He et al. 2015 (arXiv 1512.03385), table 6; K. Jordan 2024 (arXiv
# 2404.00498), which averages several views of an image.
PUBLISHED = {
    "residual": (
        ("ResNet-20", 41, 0.27, 91.25),
        ("ResNet-56", 126, 0.85, 93.03),
    ),
    "plain": (("airbench94", 118, 1.97, 94.01),),
}


def points():
    """Of every network its cost, accuracy in %, epochs and seeds."""
    counts = json.loads(speed_tables.COUNTS.read_text(encoding="utf-8"))
    found = []
    for table, label, kind in SHOWN:
        runs = speed_tables.records(table).get(label, [])
        if not runs:
            continue
        cost = counts[f"{table}/{label}"]
        tested = [100 * run["test"]["accuracy"] for run in runs]
        found.append(
            {
                "kind": kind,
                "macs": cost["macs"],
                "parameters": cost["parameters"],
                "accuracy": round(statistics.mean(tested), 2),
                "range": [round(min(tested), 2), round(max(tested), 2)],
                "epochs": len(runs[0]["epochs"]),
                "seeds": len(runs),
            }
        )
    return found


def plot(panels, numbers):
    """The same points twice: over multiplications, over parameters.

    A larger marker has had more epochs; a line is the range over the seeds.
    """
    for axes, cost, word, ticks in zip(
        panels,
        ("macs", "parameters"),
        ("multiply-accumulates of the folded network, M", "parameters, M"),
        ((20, 40, 80, 160), (0.25, 0.5, 1, 2)),
        strict=True,
    ):
        for (kind, words), (color, _, marker) in zip(
            KINDS.items(), STYLES, strict=False
        ):
            some = [point for point in numbers if point["kind"] == kind]
            for point in some:
                x = point[cost] / 1e6
                axes.plot([x, x], point["range"], color=color, linewidth=1)
            axes.scatter(
                [point[cost] / 1e6 for point in some],
                [point["accuracy"] for point in some],
                s=[70 if point["epochs"] > 24 else 22 for point in some],
                color=color,
                marker=marker,
                alpha=0.8,
                label=words,
            )
            for name, macs, parameters, accuracy in PUBLISHED.get(kind, ()):
                at = macs if cost == "macs" else parameters, accuracy
                axes.scatter(
                    *at,
                    s=34,
                    marker=marker,
                    facecolors="none",
                    edgecolors=color,
                )
                axes.annotate(
                    name,
                    at,
                    textcoords="offset points",
                    xytext=(0, 6),
                    ha="center",
                    fontsize=8,
                    color="0.35",
                )
        axes.margins(y=0.1)
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel(word)
    panels[0].set_ylabel("test accuracy, %")
