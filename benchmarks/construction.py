"""Time to construct PlainResNet50 beside `keras.applications.ResNet50`.

Both with random weights, in turns, so that a busy machine slows both alike; the
ratio is the median over rounds of the ratios within a round. The first round
fills the backend's caches and does not count.

Run:   KERAS_BACKEND=torch python benchmarks/construction.py
"""

import argparse
import functools
import json
import statistics

import keras
from turns import median_ratio, take_turns

from keras_pnnh import environment
from keras_pnnh.applications import PlainResNet50

PATHS = ("coder", "residual", "none")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", help="also write the result to this file")
    options = parser.parse_args()
    times = measure(options.rounds)
    result = {
        "rounds": options.rounds,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "rows": summarize(times),
    }
    print(as_table([result]))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


def measure(rounds):
    """Seconds of each construction, `{path or "keras": [one a round]}`."""
    constructions = {
        "keras": lambda: keras.applications.ResNet50(weights=None),
        **{
            path: functools.partial(PlainResNet50, internal_path=path)
            for path in PATHS
        },
    }
    take_turns(constructions, 1, keras.utils.clear_session)
    return take_turns(constructions, rounds, keras.utils.clear_session)


def summarize(times):
    """Median seconds and ratio to `keras.applications` of each path."""
    return [
        {
            "path": path,
            "seconds": round(statistics.median(times[path]), 3),
            "ratio": median_ratio(times[path], times["keras"], digits=2),
        }
        for path in PATHS
    ]


def as_table(results):
    """Results of several backends as a Markdown table."""
    lines = [
        "| backend | path | rounds | median, s | "
        "ratio to `keras.applications.ResNet50` |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        backend = environment.backend(result["versions"])
        lines += [
            f"| {backend} | {row['path']} | "
            f"{result['rounds']} | {row['seconds']:.2f} | {row['ratio']:.2f} |"
            for row in result["rows"]
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
