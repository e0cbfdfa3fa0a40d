"""Write tables and figures of the documents from the repository's records.

Run:    python tools/tables.py
Check:  python tools/tables.py --check   (exit 1 if a document is stale)

A document asks for a table by the pair of comments `<!-- NAME -->` and
`<!-- /NAME -->`; what stands between them is written here.
"""

import argparse
import functools
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "benchmarks",
    "study",
    "study/analysis",
    "study/speedrun",
    "tools/soak",
)
sys.path += [str(ROOT / folder) for folder in FOLDERS]

import chain_in_range  # noqa: E402
import choose_weights  # noqa: E402
import construction  # noqa: E402
import conversion_costs  # noqa: E402
import counted_memory  # noqa: E402
import deployment  # noqa: E402
import efficiency_counts  # noqa: E402
import export_accuracy  # noqa: E402
import exported_files  # noqa: E402
import figures  # noqa: E402
import frontier  # noqa: E402
import input_pipeline  # noqa: E402
import int8_agreement  # noqa: E402
import int8_noise  # noqa: E402
import laptop  # noqa: E402
import microcontroller  # noqa: E402
import model_counts  # noqa: E402
import npu_estimate  # noqa: E402
import path_cost  # noqa: E402
import questions  # noqa: E402
import report  # noqa: E402
import soak  # noqa: E402
import speed_tables  # noqa: E402
import step_callbacks  # noqa: E402
import survival_bound  # noqa: E402
import throughput  # noqa: E402
import training_step  # noqa: E402
import warm_load  # noqa: E402

from keras_pnnh.presentation.text_table import as_markdown  # noqa: E402
from keras_pnnh.publishing import lineage  # noqa: E402
from keras_pnnh.publishing.card import describe_hardware  # noqa: E402
from keras_pnnh.weights import registry  # noqa: E402

DOCUMENTS = (
    "README.md",
    "docs/bundled_weights.md",
    "docs/conversion.md",
    "docs/deployment.md",
    "docs/models.md",
    "docs/performance.md",
    "docs/pretrained.md",
    "docs/questions.md",
    "docs/reliability.md",
    "docs/scale.md",
    "docs/study.md",
    "docs/training.md",
    "study/lab_book.md",
    "docs/weights.md",
)
MARKED = re.compile(
    r"(<!-- (?P<name>[\w: -]+) -->\n).*?(<!-- /(?P=name) -->)", re.S
)


def bundled_weights():
    """One line for each bundled checkpoint."""
    lines = [
        "| weights | parameters | test accuracy | epochs | trained on |",
        "|---|---|---|---|---|",
    ]
    for path in sorted((ROOT / "weights").glob("*/record.json")):
        record = read(path)
        runs = lineage.runs(record)
        epochs = " + ".join(str(len(run["epochs"])) for run in runs)
        minutes = sum(run["seconds"] for run in runs) / 60
        where = describe_hardware(record["hardware"])
        lines.append(
            f"| `{path.parent.name}` | "
            f"{record['model']['parameters']:,} | "
            f"**{100 * record['test']['accuracy']:.2f} %** of "
            f"{record['test']['images']:,} images | "
            f"{epochs} | {where}, {minutes:.0f} min |"
        )
    return "\n".join(lines)


def published_weights():
    """One line for each row of the registry whose file is on the Hub."""
    rows, sources = [], {}
    for name, entry in sorted(registry.WEIGHTS.items(), key=_by_number):
        for metric in entry.metrics if entry.repo_id else ():
            mark = sources.setdefault(metric.source, len(sources) + 1)
            rows.append(
                f"| `{name}` | [{entry.repo_id}]({entry.card}) | "
                f"{metric.value:.2f} [{mark}] | {metric.data} | "
                f"{entry.license} |"
            )
    return "\n".join(
        [
            "| weights | file on the Hub | top-1, % | measured on | licence |",
            "|---|---|---|---|---|",
            *rows,
            "",
            *(
                f"[{mark}] As stated in <{source}>."
                for source, mark in sources.items()
            ),
        ]
    )


def _by_number(row):
    """A row's name with its numbers as numbers: 18 comes before 101."""
    return [
        int(part) if part.isdigit() else part
        for part in re.split(r"(\d+)", row[0])
    ]


def cycles(name):
    """The runs that led to a network, each from the weights of the one before.

    Args:
        name: Of the record in `evidence/further_cycles/`, or `bundled`.
    """
    last = ROOT / "evidence" / "further_cycles" / f"{name}.json"
    if name == "bundled":
        last = ROOT / "weights" / "plain_resnet20.cifar10" / "record.json"
    last = read(last)
    return as_markdown(
        [
            {
                "cycle": number,
                "epochs": _epochs(run),
                "peak learning rate": run["recipe"]["learning_rate"],
                # Records of before there was a choice do not name it.
                "crop": run["recipe"]["crop_padding"],
                "border": run["recipe"].get("crop_fill", "zeros"),
                "erasing": run["recipe"].get("erasing", 0.0),
                "weight decay": run["recipe"]["weight_decay"],
                "label smoothing": run["recipe"]["label_smoothing"],
                "training, %": _percent(run["epochs"][-1]["accuracy"], 1),
                "validation, %": _percent(run["epochs"][-1]["val_accuracy"], 1),
                "test, %": _percent(run["test"]["accuracy"], 2)
                if "test" in run
                else "not looked at",
            }
            for number, run in enumerate(lineage.runs(last), 1)
        ]
    )


def _epochs(run):
    done, planned = len(run["epochs"]), run["recipe"]["epochs"]
    return str(done) if done == planned else f"{done} of {planned}"


def _percent(share, digits):
    return f"{100 * share:.{digits}f}"


def choice_of_weights():
    """What `choose_weights.py` found on images that are held out from all."""
    return choose_weights.as_table(read(choose_weights.RECORD))


def training_step_times():
    """The benchmark of `benchmarks/training_step.py`, as it printed it."""
    return training_step.as_table(read(ROOT / "evidence/training_step.json"))


def on_each_backend(benchmark):
    """The table of a script in `benchmarks/`, one record a backend."""
    paths = sorted((ROOT / "evidence" / benchmark.__name__).glob("*.json"))
    return benchmark.as_table([read(path) for path in paths])


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


# Tables by name, and those that a script makes by `<its name>: <table>`.
SINGLE = {
    "benchmark-goals": deployment.goals,
    "benchmark-limit": deployment.limit,
    "benchmark-losses": deployment.losses,
    "bundled-weights": bundled_weights,
    "chain-in-range": chain_in_range.as_table,
    "choice": choice_of_weights,
    "construction": functools.partial(on_each_backend, construction),
    "conversion-costs": conversion_costs.as_table,
    "counted-memory": counted_memory.as_table,
    "efficiency": efficiency_counts.as_table,
    "export-accuracy": export_accuracy.as_table,
    "int8-agreement": int8_agreement.as_table,
    "int8-noise": int8_noise.as_table,
    "laptop": laptop.as_table,
    "npu-estimate": npu_estimate.as_table,
    "exported-files": exported_files.as_table,
    "frontier": frontier.as_table,
    "microcontroller": microcontroller.as_table,
    "models": model_counts.as_table,
    "input-pipeline": input_pipeline.recorded,
    "path-cost": path_cost.as_table,
    "published-weights": published_weights,
    "soak": soak.as_table,
    "speedrun-rivals": speed_tables.rivals,
    "speedrun-step": speed_tables.step,
    "step-callbacks": step_callbacks.as_table,
    "survival-bound": survival_bound.as_table,
    "throughput": functools.partial(on_each_backend, throughput),
    "training-step": training_step_times,
    "warm-load": functools.partial(on_each_backend, warm_load),
}
GROUPS = {
    "benchmark": deployment.as_table,
    "benchmark-counts": deployment.counts,
    "cycles": cycles,
    "question": questions.as_table,
    "speedrun": speed_tables.as_table,
    "study": report.as_table,
}


def table(name):
    """The Markdown of a table."""
    if name in SINGLE:
        return SINGLE[name]()
    group, member = name.split(": ")
    return GROUPS[group](member)


def fill(text):
    """The document with every generated table renewed."""
    return MARKED.sub(
        lambda match: f"{match[1]}{table(match['name'])}\n{match[3]}", text
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    for name in DOCUMENTS:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if not options.check:
            path.write_text(fill(text), encoding="utf-8")
        elif fill(text) != text:
            sys.exit(f"{name} is stale: run `python tools/tables.py`")
    for figure in figures.FIGURES:
        if figure.is_current():
            continue
        if options.check:
            sys.exit(f"{figure.path.name} is stale: run this without --check")
        figure.draw()


if __name__ == "__main__":
    main()
