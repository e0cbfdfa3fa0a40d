"""The tables of the study, from its records."""

import json
import statistics
from pathlib import Path

import grid

from keras_pnnh import environment

EVIDENCE = Path(__file__).parents[1] / "evidence" / "study"


def read(table):
    """The records of a table by network, `{label: [record of each seed]}`.

    Labels of other tables, which it is compared with, come first.
    """
    records = {}
    if grid.TABLES[table].beside:
        other, labels = grid.TABLES[table].beside
        found = read(other)
        records = {label: found[label] for label in labels if label in found}
    runs = grid.TABLES[table].runs(table)
    for run in sorted(runs, key=lambda run: run.depth):
        path = EVIDENCE / f"{run.name}.json"
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            records.setdefault(run.label, []).append(record)
    return records


def as_table(table):
    """One line for each network: mean and spread over the seeds."""
    if not any((EVIDENCE / table).glob("*.json")):
        return (
            "No records yet: `python study/run.py --data DIR "
            f"{table}` makes them."
        )
    lines = [
        "| network | parameters | seeds | last training loss | "
        "validation, % | test, % |",
        "|---|---|---|---|---|---|",
    ]
    records = read(table)
    for label, runs in records.items():
        finished = [record for record in runs if "failed" not in record]
        failures = len(runs) - len(finished)
        seeds = f"{len(runs)}" + (f", {failures} failed" if failures else "")
        last = [record["epochs"][-1] for record in finished]
        lines.append(
            f"| {label} | {runs[0]['model']['parameters']:,} | {seeds} | "
            f"{_spread([epoch['loss'] for epoch in last], 1)} | "
            f"{_spread([epoch['val_accuracy'] for epoch in last], 100)} | "
            f"{_spread([run['test']['accuracy'] for run in finished], 100)} |"
        )
    return "\n".join([*lines, "", conditions(table, records)])


def conditions(table, records):
    """What all runs of a table have in common."""
    some = next(iter(records.values()))[0]
    recipe = some["recipe"]
    epochs = (
        "1 epoch" if recipe["epochs"] == 1 else f"{recipe['epochs']} epochs"
    )
    size = max(some["model"]["input_shape"])
    optimizer = "AdamW, " if recipe.get("optimizer") == "adamw" else ""
    backends = sorted(
        {
            environment.backend(record["versions"])
            for runs in records.values()
            for record in runs
        }
    )
    return (
        f"{grid.TABLES[table].title}: {epochs}, images of "
        f"{size}x{size} pixels, {optimizer}batch {recipe['batch_size']}, peak "
        f"learning rate {recipe['learning_rate']}, {recipe['decay']} decay; "
        f"{recipe['validation_split']:.0%} of the training images held out for "
        f"validation{_tested(records)}; mean and, over several seeds, standard "
        "deviation; "
        f"{' and '.join(backends)} on a CPU. Records: "
        f"`evidence/study/{table}/`."
    )


def _tested(records):
    counts = {
        f"{record['test']['images']:,}"
        for runs in records.values()
        for record in runs
        if "test" in record
    }
    return "".join(f", {count} others for the test" for count in sorted(counts))


def _spread(values, factor):
    if not values:
        return "-"
    digits = 1 if factor == 100 else 2
    text = f"{factor * statistics.mean(values):.{digits}f}"
    if len(values) > 1:
        text += f" ± {factor * statistics.stdev(values):.{digits}f}"
    return text
