"""How tight is the paper's lower bound on surviving neurons?

Measure:  python study/survival_bound.py   (seconds; writes
          evidence/analysis/survival_bound.json)
Write:    python tools/tables.py   (the table and the figure)

Dense layers of He's random weights on a rectified normal, the learner scaled
by a gain, with the input added to it and without.
"""

import json
from pathlib import Path

import numpy as np

from keras_pnnh import environment, theory
from keras_pnnh.files import write_text
from keras_pnnh.presentation.line_styles import STYLES
from keras_pnnh.presentation.text_table import as_markdown

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "evidence" / "analysis" / "survival_bound.json"
GAINS = (0.125, 0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0)
WIDTH, INPUTS, LAYERS, SEED = 512, 256, 64, 0


def main():
    generator = np.random.default_rng(SEED)
    rows = [measure(gain, generator) for gain in GAINS]
    record = {
        "width": WIDTH,
        "inputs": INPUTS,
        "layers": LAYERS,
        "seed": SEED,
        "versions": environment.versions(),
        "rows": rows,
    }
    write_text(RECORD, json.dumps(record, indent=1) + "\n")
    print(as_table())


def measure(gain, generator):
    """Shares of positive units of one layer: measured, exact and bounded."""
    shares = []
    for _ in range(LAYERS):
        x = theory.sample((INPUTS, WIDTH), generator)
        weights = generator.standard_normal((WIDTH, WIDTH))
        answer = gain * np.sqrt(2 / WIDTH) * x @ weights
        shares.append((np.mean(x + answer > 0), np.mean(answer > 0)))
    measured, without = np.mean(shares, axis=0)
    exact = float(theory.rectified_survival(gain))
    bound = theory.cantelli_bound(theory.MEAN, theory.VARIANCE + gain**2)
    return {
        "gain": gain,
        "measured": round(float(measured), 4),
        "exact": round(exact, 4),
        "bound": round(float(bound), 4),
        "measured_without": round(float(without), 4),
    }


def read():
    return json.loads(RECORD.read_text(encoding="utf-8"))["rows"]


def as_table():
    """One line for each gain of the learner."""
    return as_markdown(
        [
            {
                "gain of the learner": row["gain"],
                "with path, measured": row["measured"],
                "with path, exact": row["exact"],
                "with path, lower bound": row["bound"],
                "without, measured": row["measured_without"],
                "without, lower bound": 0.0,
            }
            for row in read()
        ]
    )


def plot(axes, rows):
    """Lines for theory, dots for what was measured."""
    first, second, third = STYLES[:3]
    gains = np.geomspace(GAINS[0], GAINS[-1], 100)
    bound = theory.cantelli_bound(theory.MEAN, theory.VARIANCE + gains**2)
    for values, (color, line, _), label in (
        (theory.rectified_survival(gains), first, "with path, exact"),
        (bound, second, "with path, bound (Cantelli)"),
        (np.full_like(gains, 0.5), third, "without, exact (the bound is 0)"),
    ):
        axes.plot(gains, values, color=color, linestyle=line, label=label)
    measured = [row["gain"] for row in rows]
    for field, (color, _, marker), label in (
        ("measured", first, "with path, measured"),
        ("measured_without", third, "without, measured"),
    ):
        axes.plot(
            measured,
            [row[field] for row in rows],
            color=color,
            marker=marker,
            linestyle="none",
            label=label,
        )
    paper = float(theory.paper_bound(theory.MEAN, theory.VARIANCE))
    axes.plot([1.0], [paper], "k*", markersize=10, label="the paper's formula")
    axes.set_xscale("log")
    axes.set_xticks(measured, labels=map(str, measured), minor=False)
    axes.minorticks_off()
    axes.set_ylim(0, 1.4)  # room for the legend
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("gain of the learner (1: He's scale)")
    axes.set_ylabel("share of positive units")


if __name__ == "__main__":
    main()
