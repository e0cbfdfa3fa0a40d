"""Parameters and multiply-accumulates of every model, on all three paths.

Count:  python examples/model_counts.py            (what has no record yet)
        python examples/model_counts.py NAME ...   (these again)
Write:  python examples/tables.py                  (the table in docs/models.md)

Counting builds every model at its default size, so the result is kept in
`evidence/model_counts.json`.
"""

import argparse
import json
from pathlib import Path

import keras

from keras_pnnh import audit
from keras_pnnh.applications import create_model, list_models
from keras_pnnh.files import write_text
from keras_pnnh.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence" / "model_counts.json"
PATHS = ("coder", "residual", "none")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    record = read()
    for name in options.names or [n for n in list_models() if n not in record]:
        record[name] = count(name)
        # In the order of the catalog, so that a record has one form.
        ordered = {key: record[key] for key in list_models() if key in record}
        write_text(RECORD, json.dumps(ordered, indent=1) + "\n")
        print(f"{name}: {record[name]}", flush=True)


def read():
    if not RECORD.is_file():
        return {}
    return json.loads(RECORD.read_text(encoding="utf-8"))


def count(name):
    """The counts of a model by internal path."""
    counts = {}
    for path in PATHS:
        keras.utils.clear_session()
        model = create_model(name, internal_path=path)
        report = audit(model)
        counts[path] = {
            "input_shape": list(model.input_shape[1:]),
            "depth": report.depth,
            "parameters": report.parameters,
            "folded_parameters": report.folded_parameters,
            "macs": report.macs,
            "peak_activation": report.peak_activation,
        }
    return counts


def as_table():
    """One line for each model and path."""
    return as_markdown(
        [
            {
                "model": f"`{name}`",
                "path": path,
                "image": "x".join(map(str, counts["input_shape"])),
                "weighted layers": counts["depth"],
                "parameters": counts["parameters"],
                "parameters, folded": counts["folded_parameters"],
                "MACs": counts["macs"],
                "peak activation": counts["peak_activation"],
            }
            for name, paths in read().items()
            for path, counts in paths.items()
        ]
    )


if __name__ == "__main__":
    main()
