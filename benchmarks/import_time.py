"""What `import keras_pnnh` costs beside `import keras`, which it contains.

Fresh processes take turns, so that a busy machine slows both alike; the ratio
is the median over rounds of the ratios within a round. The goal is 1.15. The
command's `--help`, which imports neither, is timed in the same turns. The
first round fills the caches of the disk and does not count.

Run:   KERAS_BACKEND=jax python benchmarks/import_time.py
Write: ... --output evidence/import_time.json
"""

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from keras_pnnh import environment

STATEMENTS = {
    "import keras": "import keras",
    "import keras_pnnh": "import keras_pnnh",
    "keras-pnnh --help": "import sys; sys.argv[1:] = ['--help'];"
    "import keras_pnnh_command; keras_pnnh_command.main()",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", help="also write the result to this file")
    options = parser.parse_args()
    times = measure(options.rounds)
    result = summarize(times, options.rounds)
    print(json.dumps(result, indent=1))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")


def measure(rounds):
    """Wall-clock and processor seconds, `{name: [pairs, one a round]}`."""
    times = {name: [] for name in STATEMENTS}
    for number in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            pair = run(statement)
            if number:
                times[name].append(pair)
    return times


def run(statement):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", statement],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, sum(
        getattr(after, key) - getattr(before, key)
        for key in ("ru_utime", "ru_stime")
    )


def summarize(times, rounds):
    """Medians, and ratios to `import keras` within the rounds."""
    ratio = functools.partial(_ratio, times["import keras"])
    return {
        "rounds": rounds,
        "backend": os.environ.get("KERAS_BACKEND"),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "rows": [
            {
                "what": name,
                "seconds": _median(times[name], 0),
                "processor_seconds": _median(times[name], 1),
                "ratio": ratio(times[name], 0),
                "ratio_of_processor_seconds": ratio(times[name], 1),
            }
            for name in STATEMENTS
        ],
    }


def _median(pairs, index):
    return round(statistics.median(pair[index] for pair in pairs), 3)


def _ratio(theirs, ours, index):
    ratios = [
        one[index] / other[index]
        for one, other in zip(ours, theirs, strict=True)
    ]
    return round(statistics.median(ratios), 3)


if __name__ == "__main__":
    main()
