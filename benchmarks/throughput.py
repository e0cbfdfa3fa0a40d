"""Images a second of plain networks and their residual twin, in one run.

Training steps and, folded, predictions of all networks take turns at the same
batch size, compiled where the backend compiles. The twin's norms are folded
for its predictions, too; its skips stay.

Run:    KERAS_BACKEND=tensorflow OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 \\
            python benchmarks/throughput.py
Writes: evidence/throughput/<backend>.json; `tools/tables.py` makes the
        table of study/lab_book.md from it.
"""

import argparse
import functools
import json
import statistics
import sys
from pathlib import Path

import keras

sys.path.append(str(Path(__file__).parents[1] / "study"))

import networks
from training_step import compile_step, random_batch
from turns import median_ratio, take_turns

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

EVIDENCE = Path(__file__).parents[1] / "evidence" / "throughput"
TWIN = "residual twin"
NETWORKS = {
    TWIN: {"internal_path": "residual"},
    "coder, norm on the learner": {"norm": "learner"},
    "coder, normalised kernel": {"norm": "kernel"},
    "coder, norm on the sum": {"norm": "sum"},
    "coder, all learners shared": {"shared_learners": (1, 2)},
    "half a learner beside half a code": {
        "code_placement": "concat",
        "learner_ratio": 0.5,
        "code_ratio": 0.5,
    },
    "half a learner beside code": {
        "code_placement": "concat",
        "learner_ratio": 0.5,
    },
    "no path": {"internal_path": "none"},
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=56)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=EVIDENCE)
    options = parser.parse_args(arguments)
    training, inference = measure(
        options.depth, options.batch_size, options.rounds
    )
    record = {
        "depth": options.depth,
        "batch_size": options.batch_size,
        "rounds": options.rounds,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "rows": [
            {
                "network": name,
                "training": _rate(training[name], options.batch_size),
                "training_ratio": median_ratio(training[TWIN], training[name]),
                "inference": _rate(inference[name], options.batch_size),
                "inference_ratio": median_ratio(
                    inference[TWIN], inference[name]
                ),
            }
            for name in NETWORKS
        ],
    }
    path = options.output / f"{keras.backend.backend()}.json"
    write_text(path, json.dumps(record, indent=1) + "\n")
    print(as_table([record]))


def measure(depth, batch_size, rounds):
    """Seconds of training steps and of predictions, by network and round."""
    batch = random_batch(batch_size)
    steps, predictions = {}, {}
    for name, arguments in NETWORKS.items():
        model = networks.create(f"plain_resnet{depth}", **arguments)
        folded = keras_pnnh.fold(model)
        steps[name] = compile_step(model, batch)
        predictions[name] = functools.partial(folded.predict_on_batch, batch[0])
    for actions in (steps, predictions):
        take_turns(actions, 2)  # compilation and first allocations
    return take_turns(steps, rounds), take_turns(predictions, rounds)


def _rate(seconds, batch_size):
    return round(batch_size / statistics.median(seconds), 1)


def as_table(records):
    """The records as a Markdown table with a line about the conditions."""
    some = records[0]
    table = as_markdown(
        [
            {
                "backend": record["versions"]["backend"],
                # As the records call what is concatenated.
                "network": row["network"].replace(" beside ", " and "),
                "training, images/s": f"{row['training']:.0f}",
                "to the twin": f"{row['training_ratio']:.2f}x",
                "folded, images/s": f"{row['inference']:.0f}",
                "folded, to the twin": f"{row['inference_ratio']:.2f}x",
            }
            for record in records
            for row in record["rows"]
        ]
    )
    backends = " and ".join(
        environment.backend(record["versions"]) for record in records
    )
    return (
        f"{table}\n\nDepth {some['depth']}, 32x32 pixels, batch "
        f"{some['batch_size']}, {some['rounds']} rounds in turns, {backends}, "
        f"{some['hardware']['processor']}, threads: "
        f"{some['hardware']['threads']}; more than 1x is faster than the twin."
    )


if __name__ == "__main__":
    main()
