"""What each path and each branch costs in training: steps in turns.

The networks of the table of what carries, at one depth, one batch after the
other, by Keras's own compiled step.

Run:    KERAS_BACKEND=tensorflow OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 \\
            python study/speedrun/path_cost.py
Writes: evidence/path_cost.json; `tools/tables.py` makes the table of
        docs/study.md from it.
"""

import argparse
import functools
import json
import statistics
import sys
from pathlib import Path

import keras

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import wide_networks
from training_step import random_batch
from turns import median_ratio, take_turns

from keras_pnnh import environment
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[2] / "evidence" / "path_cost.json"
NETWORKS = {
    "none": {},
    "add": {"path": "add"},
    "concat": {"path": "concat"},
    "skip": {"path": "skip"},
    "1x1": {"branches": "1x1"},
    "1x1+identity": {"branches": "1x1+identity"},
    "add, normalised kernel": {"path": "add", "norm": "kernel"},
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--convolutions", type=int, default=7, help="a stage")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=RECORD)
    options = parser.parse_args(arguments)
    batch = random_batch(options.batch_size)
    steps = {
        name: step(network, options.convolutions, batch)
        for name, network in NETWORKS.items()
    }
    take_turns(steps, 2)  # compilation and first allocations
    times = take_turns(steps, options.rounds)
    record = {
        "depth": 2 + 3 * options.convolutions,
        "batch_size": options.batch_size,
        "rounds": options.rounds,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "rows": {
            name: {
                "seconds": round(statistics.median(seconds), 4),
                "to_skip": median_ratio(seconds, times["skip"]),
            }
            for name, seconds in times.items()
        },
    }
    write_text(options.output, json.dumps(record, indent=1) + "\n")
    print(as_table(options.output))


def step(network, convolutions, batch):
    """A function that trains a network on one batch."""
    model = wide_networks.wide((32, 64, 128), convolutions, **network)
    model.compile(
        keras.optimizers.SGD(1e-4, momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return functools.partial(model.train_on_batch, *batch)


def as_table(path=RECORD):
    """The record as Markdown."""
    record = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        {
            "in training": f"`{name}`",
            "step, s": f"{row['seconds']:.2f}",
            "to `skip`": f"{row['to_skip']:.2f}x",
        }
        for name, row in record["rows"].items()
    ]
    note = (
        f"{record['depth']} layers, batch {record['batch_size']}, "
        f"{record['rounds']} rounds in turns, "
        f"{environment.backend(record['versions'])}, "
        f"{record['hardware']['processor']}, threads: "
        f"{record['hardware']['threads']}."
    )
    return f"{as_markdown(rows)}\n\n{note}"


if __name__ == "__main__":
    main()
