"""Does the preflight foretell which networks train? Against the study's runs.

Run:     python study/analysis/validate_preflight.py --data DIR
Writes:  evidence/analysis/preflight_validation.json

Every record in `evidence/study/` is of a network that was trained once. Its
untrained twin, built from the record's configuration, goes through the
preflight; within each table (one recipe, one set of images) the rank
correlation of Spearman between what was measured before and the accuracy
after is reported, for the score and for every single measure: a measure that
was picked afterwards would prove nothing. `verdict` is the share of pairs of a
network that is "ready" and one that is not in which the ready one ended more
accurate.
"""

import argparse
import itertools
import json
import math
from collections import defaultdict
from pathlib import Path

import keras
import numpy as np
from dissipation import SAMPLES, draw_images
from questions import validation

from keras_pnnh import applications
from keras_pnnh.analysis import preflight
from keras_pnnh.analysis.sampling import shrink
from keras_pnnh.data_format import as_data_format
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import (
    as_markdown,
    as_table,
)

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "evidence" / "analysis" / "preflight_validation.json"
LAST_LAYER = ("survival", "preservation", "alignment", "cosine", "rank")
MEASURES = (*LAST_LAYER, "gradient")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=SAMPLES)
    parser.add_argument("--study", type=Path, default=ROOT / "evidence/study")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--images", type=int, default=128)
    options = parser.parse_args()
    runs = [
        (path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(options.study.glob("*/*.json"))
    ]
    runs = [run for run in runs if _can_be_rebuilt(run[1])]
    if not runs:
        parser.error(
            f"records of runs must lie in {options.study}/*/*.json. "
            "Received: none. Run `python study/run.py` first."
        )
    images = draw_images(options.data, options.images, seed=0)
    rows = []
    for name, record in runs:
        rows.append({"run": name, **judge(record, images)})
        print(as_table(list(rows[-1]), [list(rows[-1].values())]), flush=True)
    record = {
        "images": len(images),
        "runs": rows,
        "correlations": correlations(rows),
    }
    write_text(options.output, json.dumps(record, indent=1) + "\n")
    if record["correlations"]:
        print(as_markdown(validation(record)))


def _can_be_rebuilt(record):
    """Whether the record's configuration is all of the untrained network."""
    # Pretrained coders do not start as the configuration says.
    pretrained = "pretext" in record.get("data", {})
    return not pretrained and hasattr(applications, _class_name(record))


def _class_name(record):
    return record["model"].get("class_name", "PlainResNet")


def judge(record, images):
    """The network's preflight, and what became of it."""
    config = dict(record["model"])
    config.pop("parameters")
    config.pop("class_name", None)
    model_class = getattr(applications, _class_name(record))
    keras.utils.clear_session()
    keras.utils.set_random_seed(record["seed"])
    model = model_class.from_config(config)
    data_format = config["data_format"]
    size = [side for side in config["input_shape"] if side != 3]
    if tuple(size) != images.shape[1:3]:
        images = shrink(images, size)
    result = preflight(model, as_data_format(images, data_format))
    first, *_, last = result.signal.trunk()
    measured = {name: getattr(last, name) for name in LAST_LAYER}
    # Orders of magnitude by which the gradient changes: less is better.
    measured["gradient"] = -abs(math.log10(first.gradient / last.gradient))
    epochs = record.get("epochs") or [{}]
    return {
        "table": record["table"],
        # A run whose loss was no number any more learnt nothing.
        "accuracy": epochs[-1].get("val_accuracy", 0.0),
        "verdict": result.verdict,
        "score": result.score,
        **{name: float(value) for name, value in measured.items()},
    }


def correlations(rows):
    """Spearman's coefficient for each table of three runs or more."""
    tables = defaultdict(list)
    for row in rows:
        tables[row["table"]].append(row)
    return [
        {
            "table": name,
            "runs": len(members),
            "verdict": separation(members),
            **{
                measure: spearman(
                    [row[measure] for row in members],
                    [row["accuracy"] for row in members],
                )
                for measure in ("score", *MEASURES)
            },
        }
        for name, members in tables.items()
        if len(members) >= 3
    ]


def separation(rows):
    """Share of pairs (ready, not ready) in the right order, or None."""
    ready = [row["accuracy"] for row in rows if row["verdict"] == "ready"]
    other = [row["accuracy"] for row in rows if row["verdict"] != "ready"]
    pairs = list(itertools.product(ready, other))
    return np.mean([a > b for a, b in pairs]) if pairs else None


def spearman(first, second):
    """Correlation of ranks, ties at their mean rank; None if constant."""
    first, second = mean_ranks(first), mean_ranks(second)
    if np.std(first) == 0 or np.std(second) == 0:
        return None
    return round(float(np.corrcoef(first, second)[0, 1]), 3)


def mean_ranks(values):
    values = np.asarray(values, "float64")
    below = np.sum(values[:, None] > values, axis=1)
    equal = np.sum(values[:, None] == values, axis=1)
    return below + (equal - 1) / 2


if __name__ == "__main__":
    main()
