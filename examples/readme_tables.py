"""Write the tables of the README from the records in the repository.

Run:    python examples/readme_tables.py
Check:  python examples/readme_tables.py --check   (exit 1 if README is stale)
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def bundled_weights():
    """One line for each bundled checkpoint."""
    lines = [
        "| weights | parameters | test accuracy | epochs | trained on |",
        "|---|---|---|---|---|",
    ]
    for path in sorted((ROOT / "weights").glob("*/record.json")):
        record = read(path)
        threads = record["hardware"]["threads"]
        lines.append(
            f"| [`{path.parent.name}`](weights/{path.parent.name}/README.md) | "
            f"{record['model']['parameters']:,} | "
            f"**{100 * record['test']['accuracy']:.2f} %** of "
            f"{record['test']['images']:,} images | "
            f"{len(record['epochs'])} | CPU, {threads} thread(s), "
            f"{record['seconds'] / 60:.0f} min |"
        )
    return "\n".join(lines)


def training_step():
    """The benchmark of `benchmarks/training_step.py`, as it printed it."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from training_step import as_table

    return as_table(read(ROOT / "evidence" / "training_step.json"))


TABLES = {
    "bundled-weights": bundled_weights,
    "training-step": training_step,
}


def fill(text):
    """The README with every generated table renewed."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, rest = text.split(begin)
        after = rest.split(end)[1]
        text = f"{before}{begin}\n{table()}\n{end}{after}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    if options.check:
        sys.exit(0 if fill(text) == text else "README.md is stale")
    path.write_text(fill(text), encoding="utf-8")


if __name__ == "__main__":
    main()
