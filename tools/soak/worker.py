"""Runs trials of one kind, one after the other, and reports each.

Run by `soak.py` in a process of its own: what crashes or hangs ends this one.
"""

import contextlib
import importlib
import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests"), str(ROOT)]
os.environ.update(
    HF_HUB_DISABLE_XET="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_ENDPOINT="http://127.0.0.1:9",
)


def main():
    kind, first, last, seconds = sys.argv[1], *map(float, sys.argv[2:])
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what others print is no report
    warnings.simplefilter("ignore")
    from outcomes import of_error

    module = importlib.import_module(kind)
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
        shared = module.prepare(Path(folder))
        until = time.time() + seconds
        for seed in range(int(first), int(last)):
            if seed > first and time.time() > until:
                break
            print(json.dumps({"seed": seed}), file=report, flush=True)
            try:
                outcome, note = module.trial(seed, shared)
            except Exception as error:
                outcome, note = of_error(error)
            line = {"seed": seed, "outcome": outcome, "note": note}
            print(json.dumps(line), file=report, flush=True)


if __name__ == "__main__":
    main()
