"""Tables of `docs/questions.md`, from records.

Write:    python examples/analysis/questions.py
Measure:  python examples/analysis/questions.py --measure   (a minute; writes
          evidence/analysis/questions.json first)
Check:    python examples/analysis/questions.py --check
"""

import argparse
import json
import sys
from pathlib import Path

from keras_pnnh.files import write_text

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "evidence" / "analysis"
DOCUMENT = ROOT / "docs" / "questions.md"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.measure:
        from question_measurements import MEASUREMENTS

        record = {name: measure() for name, measure in MEASUREMENTS.items()}
        text = json.dumps(record, indent=1) + "\n"
        write_text(EVIDENCE / "questions.json", text)
    text = DOCUMENT.read_text(encoding="utf-8")
    if options.check:
        sys.exit(0 if fill(text) == text else "docs/questions.md is stale")
    write_text(DOCUMENT, fill(text))


def fill(text):
    """The document with every generated table renewed."""
    tables = read("questions.json")
    tables["dissipation"] = dissipation(read("dissipation.json"))
    tables["preflight"] = validation(read("preflight_validation.json"))
    for name, rows in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, rest = text.split(begin)
        after = rest.split(end)[1]
        text = f"{before}{begin}\n{as_markdown(rows)}\n{end}{after}"
    return text


def read(name):
    return json.loads((EVIDENCE / name).read_text(encoding="utf-8"))


def dissipation(record):
    """What the last layer of each network of the figure still holds."""
    rows = []
    for network in record["networks"]:
        trunk = [layer for layer in network["layers"] if layer["trunk"]]
        first, last = trunk[0], trunk[-1]
        rows.append(
            {
                "layers": network["depth"],
                "network": network["label"],
                "R2 of the input": round(last["preservation"], 2),
                "survival": round(last["survival"], 2),
                "survival, theory": round(last["predicted_survival"], 2),
                "gradient, first / last layer": float(
                    f"{first['gradient'] / last['gradient']:.2g}"
                ),
            }
        )
    return rows


def validation(record):
    """Rank correlations of what was measured before training."""
    return [
        {
            key: round(value, 2) if isinstance(value, float) else value
            for key, value in row.items()
        }
        for row in record["correlations"]
    ]


def as_markdown(rows):
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = (shown(row[column]) for column in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shown(cell):
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


if __name__ == "__main__":
    main()
