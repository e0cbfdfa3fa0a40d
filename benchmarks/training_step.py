"""Cost of the coder in training: step times as ratios, in one run.

Prints the time of a training step for every placement of the batch norm,
beside the plain baseline with the same norm and beside the residual twin. All
networks take turns, step by step, so that a busy machine slows all alike; the
ratio is the median over rounds of the ratios within a round.

Run:   KERAS_BACKEND=torch OMP_NUM_THREADS=1 python benchmarks/training_step.py
"""

import argparse
import functools
import json
import statistics
import sys
from pathlib import Path

import keras
import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "study"))

import networks
from turns import median_ratio, take_turns

from keras_pnnh import environment

# (internal path, norm): the plain baseline and the twin follow the coder's
# network of the same norm.
NETWORKS = [
    ("coder", "sum"),
    ("coder", "kernel"),
    ("coder", None),
    ("coder", "learner"),
    ("none", "sum"),
    ("none", "kernel"),
    ("none", None),
    ("residual", "sum"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--output", help="also write the result to this file")
    options = parser.parse_args()
    times = measure(options.depth, options.batch_size, options.rounds)
    result = {
        "depth": options.depth,
        "batch_size": options.batch_size,
        "rounds": options.rounds,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "rows": summarize(times),
    }
    print(as_table(result))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


def measure(depth, batch_size, rounds):
    """Seconds per training step, `{network: [one number a round]}`."""
    batch = random_batch(batch_size)
    steps = {}
    for path, norm in NETWORKS:
        model = networks.create(
            f"plain_resnet{depth}", internal_path=path, norm=norm
        )
        steps[path, norm] = compile_step(model, batch)
    take_turns(steps, 2)  # compilation and first allocations
    return take_turns(steps, rounds)


def random_batch(batch_size):
    """Images of 32x32 pixels and labels."""
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (batch_size, 32, 32, 3))
    return images.astype("float32"), generator.integers(0, 10, batch_size)


def compile_step(model, batch):
    """A function that trains a model on one batch."""
    model.compile(
        keras.optimizers.SGD(1e-4, momentum=0.9, nesterov=True),
        "sparse_categorical_crossentropy",
    )
    return functools.partial(model.train_on_batch, *batch)


def summarize(times):
    """One row for each network with a coder."""
    rows = []
    for path, norm in NETWORKS:
        if path != "coder":
            continue
        plain = ("none", "sum" if norm == "learner" else norm)
        rows.append(
            {
                "norm": norm,
                "milliseconds": _median(times[path, norm], unit=1e-3),
                "to_plain": median_ratio(times[path, norm], times[plain]),
                "to_residual": median_ratio(
                    times[path, norm], times["residual", "sum"]
                ),
            }
        )
    return rows


def _median(values, unit=1.0):
    return round(statistics.median(values) / unit, 1)


def as_table(result):
    """The result as a Markdown table with a line about the conditions."""
    lines = [
        "| norm | convolutions per layer in training | step, ms | "
        "ratio to the plain net | ratio to the residual twin |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        convolutions = 2 if row["norm"] == "learner" else 1
        lines.append(
            f"| `{row['norm']!r}` | {convolutions} | {row['milliseconds']:.0f} "
            f"| {row['to_plain']:.3f} | {row['to_residual']:.3f} |"
        )
    backend = environment.backend(result["versions"])
    hardware = result["hardware"]
    lines.append(
        f"\nDepth {result['depth']}, batch {result['batch_size']}, "
        f"{result['rounds']} rounds in turns, {backend}, "
        f"{hardware['processor']}, threads: {hardware['threads']}."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
