"""Activations alive at once in the exported forms, chains beside their twins.

Count:  python tools/counted_memory.py            (what has no record yet)
        python tools/counted_memory.py NAME ...   (these again)
Write:  python tools/tables.py   (the table in docs/performance.md)

Counted by `audit` of what a file holds: in ONNX, OpenVINO and torch all padding
is a part of a convolution or pooling; in LiteRT and TensorFlow a padded copy
stays before a maximum.
"""

from pathlib import Path

import kept_counts
import keras

from keras_pnnh import audit, fold
from keras_pnnh.applications import create_model
from keras_pnnh.deployment.padding import absorb_padding
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/counted_memory.json"
NETWORKS = (
    "plain_resnet50",
    "plain_resnet18",
    "plain_mobilenet_v2_100",
    "plain_wide11",
    "plain_wide11_small",
    "plain_resnet20",
)
RUNTIMES = ("onnx", "litert")
FORMS = {
    "added": {},
    "beside, full width": {"code_placement": "concat", "code_ratio": 1.0},
    "beside, half": {"code_placement": "concat", "code_ratio": 0.5},
    "beside, a quarter": {"code_placement": "concat", "code_ratio": 0.25},
    "twin": {"internal_path": "residual"},
}


def count(name):
    """The peak of every form by runtime, in floats."""
    counts = {}
    for form, arguments in FORMS.items():
        keras.utils.clear_session()
        try:
            model = fold(create_model(name, **arguments))
        except TypeError:
            continue  # in this family the code is added
        counts[form] = {
            runtime: audit(absorb_padding(model, runtime)).peak_activation
            for runtime in RUNTIMES
        }
    return counts


def as_table():
    """One line for each network: the twin's peak, and ratios to it."""
    rows = []
    for name, counts in kept_counts.read(RECORD).items():
        for runtime in RUNTIMES:
            twin = counts["twin"][runtime]
            row = {"network": f"`{name}`", "file": FILES[runtime]}
            row["twin, floats"] = twin
            for form in list(FORMS)[:-1]:
                peak = counts.get(form, {}).get(runtime)
                row[f"code {form}"] = f"{peak / twin:.2f}x" if peak else "-"
            rows.append(row)
    return as_markdown(rows)


FILES = {
    "onnx": "ONNX, OpenVINO, torch",
    "litert": "LiteRT, TensorFlow",
}

if __name__ == "__main__":
    kept_counts.main(__doc__.splitlines()[0], RECORD, NETWORKS, count)
