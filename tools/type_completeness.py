"""How much of the public API has known types, by room.

Run:   python tools/type_completeness.py [--least PERCENT]

Pyright's `--verifytypes` counts every symbol that a user can import. It has no
threshold of its own; with `--least` this script fails below one, as
`make lint` does. Pyright cannot follow an editable install, so the repository
is put on its path.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = ("--verifytypes", "keras_pnnh", "--ignoreexternal", "--outputjson")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--least", type=float, default=0.0)
    parser.add_argument(
        "--names", action="store_true", help="list what is missing"
    )
    options = parser.parse_args()
    done = subprocess.run(
        [Path(sys.executable).with_name("pyright"), *COMMAND],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = json.loads(done.stdout)["typeCompleteness"]
    symbols = [each for each in found["symbols"] if each["isExported"]]
    if not symbols:
        parser.exit(2, f"pyright finds no keras_pnnh under {ROOT}\n")
    missing = [each["name"] for each in symbols if not each["isTypeKnown"]]
    if options.names:
        print(*missing, sep="\n")
    rooms = Counter(name.split(".")[1] for name in missing)
    for room, count in rooms.most_common():
        print(f"{room:16s} {count:4d} without known types")
    score = 100 * found["completenessScore"]
    print(f"{score:.1f} % of {len(symbols)} public symbols have known types")
    return int(score < options.least)


if __name__ == "__main__":
    sys.exit(main())
