"""Parameters and multiply-accumulates of every model, on all three paths.

Count:  python tools/model_counts.py            (what has no record yet)
        python tools/model_counts.py NAME ...   (these again)
Write:  python tools/tables.py                  (the table in docs/models.md)

Counting builds every model at its default size, so the result is kept in
`evidence/model_counts.json`.
"""

from pathlib import Path

import kept_counts
import keras

from keras_pnnh import audit
from keras_pnnh.applications import create_model, list_models
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence" / "model_counts.json"
PATHS = ("coder", "residual", "none")


def read():
    """The counts by name."""
    return kept_counts.read(RECORD)


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
    kept_counts.main(__doc__.splitlines()[0], RECORD, list_models(), count)
