"""The tables of the speed runs, from their records.

python study/speedrun/speed_tables.py     (counts what has not been counted yet)
"""

import collections
import json
import math
import statistics
from pathlib import Path

from keras_pnnh.presentation.text_table import as_markdown

EVIDENCE = Path(__file__).parents[2] / "evidence"
RECORDS = EVIDENCE / "speedrun"
COUNTS = EVIDENCE / "speedrun_counts.json"
MODELS = EVIDENCE / "model_counts.json"
STEP = EVIDENCE / "training_step_h200.json"

# Dense bfloat16, from the vendor's data sheet.
PEAK_TFLOPS = {"NVIDIA H200": 989.0}


def records(table):
    """The finished runs of a table by label, seeds in order."""
    found = collections.defaultdict(list)
    for path in sorted(RECORDS.glob(f"{table}_*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["table"] == table and "test" in record:
            found[record["label"]].append(record)
    return found


def as_table(table):
    """One line for each network: what it costs, how often it was right."""
    counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    cost = {label: counts[f"{table}/{label}"] for label in records(table)}
    rows = [
        {
            "network": f"`{label}`",
            "MACs, M": f"{cost[label]['macs'] / 1e6:.1f}",
            "parameters, k": f"{cost[label]['parameters'] / 1e3:.0f}",
            "trained, k": f"{cost[label]['trained'] / 1e3:.0f}",
            "epochs": len(runs[0]["epochs"]),
            "seeds": len(runs),
            "validation, %": _spread(
                run["epochs"][-1]["validation"] for run in runs
            ),
            "test, %": _spread(run["test"]["accuracy"] for run in runs),
        }
        for label, runs in records(table).items()
    ]
    rows.sort(key=lambda row: row["test, %"], reverse=True)
    return as_markdown(rows)


def rivals():
    """What carries, by depth: test accuracy, one line for each path."""
    found = records("rivals")
    paths = ("none", "dirac", "add", "add+dirac", "slow", "concat", "skip")
    depths = (8, 11, 17, 23)
    return as_markdown(
        [
            {
                "what carries": f"`{path}`",
                **{
                    f"{depth} layers": _spread(
                        run["test"]["accuracy"]
                        for run in found.get(f"{path}-{depth}", [])
                    )
                    for depth in depths
                },
            }
            for path in paths
        ]
    )


def step():
    """A training step at ImageNet's size, in turns in one run."""
    record = json.loads(STEP.read_text(encoding="utf-8"))
    counts = json.loads(MODELS.read_text(encoding="utf-8"))[record["model"]]
    peak = PEAK_TFLOPS[record["device"]]
    rows = []
    for path, row in record["rows"].items():
        rate = row["images_per_second"]
        # Forwards and twice as much backwards, two operations each.
        share = 6 * counts[path]["macs"] * rate / (peak * 1e12)
        rows.append(
            {
                "path": path,
                "step, ms": f"{row['step_ms']:.1f}",
                "images/s": f"{rate:.0f}",
                "share of the peak": f"{100 * share:.0f} %",
            }
        )
    note = (
        f"`{record['model']}`, {record['size']} pixels, batch "
        f"{record['batch']}, bfloat16, one {record['device']}, jax "
        f"{record['versions']['jax']}, keras {record['versions']['keras']}."
    )
    return f"{as_markdown(rows)}\n\n{note}"


def _spread(shares):
    values = [100 * share for share in shares]
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


def count():
    """Multiplications and parameters of every network, folded."""
    import wide_networks

    import keras_pnnh

    counts = {}
    for path in sorted(RECORDS.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        key = f"{record['table']}/{record['label']}"
        if key not in counts:
            network = record["network"]
            model = wide_networks.build(**network)
            trained = sum(math.prod(v.shape) for v in model.trainable_variables)
            if network.get("branches"):
                # They are of one kernel with what they stand beside.
                model = wide_networks.build(**{**network, "branches": None})
            report = keras_pnnh.audit(keras_pnnh.fold(model))
            counts[key] = {
                "macs": report.macs,
                "parameters": report.parameters,
                "trained": trained,
                "depth": report.depth,
                "plain": report.plain,
            }
            print(key, counts[key], flush=True)
    text = json.dumps(counts, indent=1, sort_keys=True) + "\n"
    COUNTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    count()
