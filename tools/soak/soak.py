"""Try to break the library, for about an hour or for a sample of it.

Run:    make soak                     (SOAK_MINUTES=10 for a sample)
Table:  python tools/soak/soak.py --table

Every trial has a seed, so a failure is repeated by
`python tools/soak/soak.py --kind KIND --seed SEED`; without a seed all trials
of a kind run again, after a repair. Each kind goes to the record when
it is done, `evidence/soak/soak.json`, with the commit that it ran on;
`docs/reliability.md` quotes it by `tools/tables.py`.
"""

import argparse
import collections
import json
import math
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORD = ROOT / "evidence" / "soak" / "soak.json"
sys.path[:0] = [str(HERE)]

from outcomes import BARE, OUTCOMES, WRONG  # noqa: E402

# Kind: what is tried, how many trials, share of the time of a sample.
KINDS = {
    "conversions": ("random networks: `fold`, `from_residual`", 600, 0.35),
    "weight_files": ("mutated weight files", 1000, 0.12),
    "pictures": ("mutated pictures and archives", 1000, 0.04),
    "constructors": ("random arguments of constructors", 1000, 0.09),
    "lying_hub": ("a lying Hub: load, push, verify", 204, 0.2),
    "kills": ("runs killed at random moments", 50, 0.15),
    "host_kills": ("streamed runs killed on two hosts (JAX)", 20, 0.05),
}
PATIENCE = 1300.0  # seconds for one trial, which then counts as bare


def soak(kind, seconds, first=0, count=None):
    """The outcomes of one kind, as many as the time allows."""
    last = first + (KINDS[kind][1] if count is None else count)
    started = time.time()
    counts, failures, seed = collections.Counter(), [], first
    ended = False
    while seed < last and not ended:
        left = max(0.0, seconds - (time.time() - started))
        for line in _lines(kind, seed, last, left):
            # A worker that neither crashes nor hangs has done all it could.
            ended = not line.get("broken")
            seed = line["seed"]
            if "outcome" not in line:
                continue
            counts[line["outcome"]] += 1
            if line["outcome"] in (WRONG, BARE):
                failures.append(line)
                print(f"{kind}: {line}", file=sys.stderr, flush=True)
            seed += 1
    return {
        "asked": KINDS[kind][1],
        "tried": sum(counts.values()),
        "outcomes": {name: counts[name] for name in OUTCOMES},
        "failures": failures,
        "seconds": round(time.time() - started, 1),
    }


def _lines(kind, first, last, seconds):
    """What a worker reports; one that crashes or hangs ends in a bare trial."""
    arguments = [kind, str(first), str(last), str(seconds)]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as worker,
    ):
        yield from _lines_of(kind, worker, log)


def _lines_of(kind, worker, log):
    lines = queue.Queue()

    def read():
        for text in worker.stdout:
            lines.put(text)
        lines.put(None)

    reader = threading.Thread(target=read)
    reader.start()
    open_seed, note = None, None
    while True:
        try:
            text = lines.get(timeout=PATIENCE)
        except queue.Empty:
            worker.kill()
            note = f"no end after {PATIENCE:.0f} seconds"
            break
        if text is None:
            break
        line = json.loads(text)
        open_seed = None if "outcome" in line else line["seed"]
        yield line
    code = worker.wait()
    reader.join()
    log.seek(0)
    tail = log.read()[-500:]
    if open_seed is not None:
        note = note or f"the process ended with {code}: {tail}"
        yield {
            "seed": open_seed,
            "outcome": BARE,
            "note": note,
            "broken": True,
        }
    elif code:
        raise RuntimeError(f"The worker for '{kind}' failed: {tail}")


def as_table(record=None):
    """The record as a table in Markdown, and what kind of a run it was."""
    if record is None:
        if not RECORD.is_file():
            return "No run is recorded yet."
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    rows = [
        "| tried | trials | right | refused with a sentence | other pixels, no "
        "checksum in the format | wrong in silence | bare errors | commit |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for kind, found in record["kinds"].items():
        cells = " | ".join(str(found["outcomes"][name]) for name in OUTCOMES)
        rows.append(
            f"| {KINDS[kind][0]} | {found['tried']:,} of {found['asked']:,} | "
            f"{cells} | {found['commit']} |"
        )
    kinds = record["kinds"].values()
    complete = all(found["tried"] >= found["asked"] for found in kinds)
    days = " and ".join(sorted({found["date"] for found in kinds}))
    backends = " and ".join(sorted({found["backend"] for found in kinds}))
    rows += [
        "",
        f"{'In full' if complete else 'A sample'}, {days}, on the {backends} "
        "backend.",
    ]
    return "\n".join(rows)


def keep(kind, found):
    """Put what was found into the record, in place of an earlier run."""
    record = {"kinds": {}}
    if RECORD.is_file():
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    kinds = record["kinds"] | {kind: found}
    record["kinds"] = {name: kinds[name] for name in KINDS if name in kinds}
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1)
    RECORD.write_text(text + "\n", encoding="utf-8")


def conditions():
    """On what the trials of a kind run."""
    from keras_pnnh import environment

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "commit": commit,
        "versions": environment.versions(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--minutes", type=float, help="of a sample; default: all trials"
    )
    parser.add_argument("--kind", choices=sorted(KINDS))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(as_table())
        return
    seconds = math.inf
    if options.minutes is not None:
        seconds = 60 * options.minutes
    if options.seed is not None:
        if not options.kind:
            parser.error("--seed is one of a --kind")
        found = soak(options.kind, seconds, options.seed, 1)
        print(json.dumps(found, indent=1))
        return
    failed = False
    for kind in [options.kind] if options.kind else KINDS:
        share = 1.0 if options.kind else KINDS[kind][2]
        where = conditions()
        found = soak(kind, share * seconds) | where
        keep(kind, found)
        failed |= bool(found["failures"])
    print(as_table())
    if failed:
        sys.exit("Something was wrong in silence, or failed without a sentence")


if __name__ == "__main__":
    main()
