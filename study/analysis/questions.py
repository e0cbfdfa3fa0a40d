"""Tables of `docs/questions.md`, from records.

Measure:  python study/analysis/questions.py   (a minute; writes
          evidence/analysis/questions.json)
Write:    python tools/tables.py
"""

import json
from pathlib import Path

from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

EVIDENCE = Path(__file__).parents[2] / "evidence" / "analysis"


def main():
    from question_measurements import MEASUREMENTS

    record = {name: measure() for name, measure in MEASUREMENTS.items()}
    text = json.dumps(record, indent=1) + "\n"
    write_text(EVIDENCE / "questions.json", text)


def as_table(name):
    """The Markdown of one answer's table."""
    if name == "dissipation":
        return as_markdown(dissipation(read("dissipation.json")))
    if name == "preflight":
        return as_markdown(validation(read("preflight_validation.json")))
    return as_markdown(read("questions.json")[name])


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


if __name__ == "__main__":
    main()
