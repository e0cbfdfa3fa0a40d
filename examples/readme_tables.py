"""Write the tables of the README from the records in the repository.

Run:    python examples/readme_tables.py
Check:  python examples/readme_tables.py --check   (exit 1 if README is stale)
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "evidence" / "first_light"
PATHS = {
    "coder": "PNNH (coder)",
    "residual": "residual twin",
    "none": "plain, no path",
}


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


def three_paths():
    """The three internal paths after the same short schedule."""
    records = [read(path) for path in sorted(EVIDENCE.glob("*.json"))]
    lines = [
        "| network | depth | epochs | seed | parameters | validation accuracy "
        "| test accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    order = list(PATHS)
    for record in sorted(
        records, key=lambda one: order.index(one["model"]["internal_path"])
    ):
        model, last = record["model"], record["epochs"][-1]
        depth = 2 * sum(model["blocks_per_stage"]) + 2
        lines.append(
            f"| {PATHS[model['internal_path']]} | {depth} | "
            f"{len(record['epochs'])} | {record['seed']} | "
            f"{model['parameters']:,} | {100 * last['val_accuracy']:.2f} % | "
            f"{100 * record['test']['accuracy']:.2f} % |"
        )
    return "\n".join(lines)


def training_step():
    """The benchmark of `benchmarks/training_step.py`, as it printed it."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from training_step import as_table

    return as_table(read(ROOT / "evidence" / "training_step.json"))


TABLES = {
    "bundled-weights": bundled_weights,
    "three-paths": three_paths,
    "training-step": training_step,
}


def fill(text):
    """The README with every generated table renewed."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, rest = text.split(begin)
        text = before + begin + table() + end + rest.split(end, 1)[1]
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
