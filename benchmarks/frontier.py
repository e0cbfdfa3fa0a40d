"""Accuracy over time: what one would pick for a device, and as a chain.

Measure:  OMP_NUM_THREADS=1 python benchmarks/frontier.py
          ... --formats onnx      (again, beside what is on record)
Smoke:    python benchmarks/frontier.py --size 64 --rounds 1 --formats onnx
          --output FILE
Write:    python tools/tables.py      (table and figure in docs/performance.md)

Networks for ImageNet, each with its skips, as it is built, and as a chain of
standard layers. The accuracies are those published of weights of these shapes
(residual networks converted without change have the same); the kernels here are
random, which takes the same time. All take turns, batch by batch. Name one
format at a time where memory is short: TensorFlow keeps what it wrote.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_pnnh import audit, environment, fold, write_out
from keras_pnnh.applications import create_model
from keras_pnnh.deployment.benchmark import as_text, benchmark
from keras_pnnh.deployment.benchmark_figures import frontier
from keras_pnnh.files import replace_when_complete, write_text
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.weights.registry import WEIGHTS

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "evidence" / "deployment" / "frontier.json"
FIGURE = ROOT / "docs" / "figures" / "frontier.png"
FORMATS = ("onnx", "litert", "openvino", "saved_model")
THREADS = (1, 2)
CONVERTED = {
    "ResNet-18": "plain_resnet18",
    "MobileNetV2": "plain_mobilenet_v2_100",
    "ResNet-50": "plain_resnet50",
}
WRITTEN_OUT = "written out"
KERAS = "https://keras.io/api/applications/"
KERAS_APPLICATIONS = {"ResNet50": 74.9, "MobileNetV2": 71.3}
REPVGG = 72.41, "Ding et al. 2021, arXiv 2101.03697, table 4"
FORMS = {
    "skips": "skips",
    "chain": "chain",
    "coder": "chain, trained with a coder",
}


class Contestant(NamedTuple):
    """A network of the frontier.

    Attributes:
        model: As it is exported.
        form: "skips", "chain", or "coder", a folded chain of which no
            weights for ImageNet exist.
        top1: Percent on ImageNet's validation part, as published; or None.
        source: Where.
    """

    model: keras.Model
    form: str
    top1: float | None = None
    source: str = ""


def contestants(size):
    """Dictionary from label to `Contestant`."""
    shape = (size, size, 3)

    def create(name, internal_path):
        return create_model(
            name, internal_path=internal_path, input_shape=shape
        )

    found = {}
    for label, name in CONVERTED.items():
        top1 = published(f"{name}.imagenet")
        found[label] = Contestant(
            fold(create(name, "residual")), "skips", *top1
        )
        if label == "ResNet-50":
            continue  # written out it costs 11.8 times as much
        chain = create(name, "pass_through")
        found[f"{label} {WRITTEN_OUT}"] = Contestant(
            write_out(chain), "chain", *top1
        )
        if label == "MobileNetV2":
            images = np.random.default_rng(0).uniform(0, 255, (8, *shape))
            found[f"{label} {WRITTEN_OUT} in a range"] = Contestant(
                write_out(chain, images=images), "chain", *top1
            )
    for name, top1 in KERAS_APPLICATIONS.items():
        build = getattr(keras.applications, name)
        model = build(weights=None, input_shape=shape)
        found[f"keras.applications.{name}"] = Contestant(
            model, "skips", top1, KERAS
        )
    found["RepVGG-A0"] = Contestant(repvgg_a0(shape), "chain", *REPVGG)
    for name in CONVERTED.values():
        found[f"{name}, folded"] = Contestant(
            fold(create(name, "coder")), "coder"
        )
    return found


def published(weights):
    """Percent and where it is stated."""
    (metric,) = WEIGHTS[weights].metrics
    return metric.value, f"{metric.data}: {metric.source}"


def repvgg_a0(shape):
    """The deployed form of Ding et al. (2021): 3x3 convolutions and ReLU."""
    x = images = keras.Input(shape)
    for width, depth in ((48, 1), (48, 2), (96, 4), (192, 14), (1280, 1)):
        for number in range(depth):
            x = keras.layers.ZeroPadding2D(1)(x)
            x = keras.layers.Conv2D(
                width, 3, 1 if number else 2, activation="relu"
            )(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.Dense(1000)(x), name="repvgg_a0")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    parser.add_argument("--threads", nargs="+", type=int, default=THREADS)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--output", type=Path, default=RECORD)
    options = parser.parse_args(arguments)
    found = contestants(options.size)
    record = {
        "size": options.size,
        "rounds": options.rounds,
        "batch_size": options.batch_size,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "networks": {label: describe(one) for label, one in found.items()},
        "rows": {},
    }
    if options.output.exists():
        known = read(options.output)
        # Rows of another machine or version would stand under this one's name.
        if all(known[key] == record[key] for key in record if key != "rows"):
            record["rows"] = known["rows"]
    for threads in options.threads:
        known = record["rows"].get(str(threads), [])
        kept = [row for row in known if row["format"] not in options.formats]

        def note(rows, threads=threads, kept=kept):
            record["rows"][str(threads)] = sorted(kept + rows, key=place)
            text = json.dumps(record, indent=1)
            write_text(options.output, f"{text}\n")
            print(as_text(rows), flush=True)

        benchmark(
            {label: one.model for label, one in found.items()},
            options.formats,
            options.batch_size,
            options.rounds,
            threads,
            progress=note,
        )
    if options.output == RECORD and set(options.formats) == set(FORMATS):
        draw(FIGURE)


def place(row):
    """Of its format, in the order of the table."""
    return FORMATS.index(row["format"])


def describe(contestant):
    report = audit(contestant.model)
    return {
        "form": contestant.form,
        "top1": contestant.top1,
        "source": contestant.source,
        "macs": report.macs,
        "parameters": report.folded_parameters,
        "peak_activation": report.peak_activation,
    }


def read(path=RECORD):
    return json.loads(path.read_text(encoding="utf-8"))


def as_table():
    """One line for each network: what it costs and how right it is."""
    record = read()
    rows, sources = [], {}
    for label, network in record["networks"].items():
        mark = ""
        if network["source"]:
            number = sources.setdefault(network["source"], len(sources) + 1)
            mark = f" [{number}]"
        row = {
            "network": label,
            "form": FORMS[network["form"]],
            "top-1, %": f"{network['top1']:.1f}{mark}" if mark else "-",
            "MACs, M": f"{network['macs'] / 1e6:,.0f}",
            "parameters, M": f"{network['parameters'] / 1e6:.1f}",
        }
        for measured in rows_of(record, label, 1).values():
            row[f"{short(measured)}, ms"] = f"{1e3 * measured['latency']:.1f}"
        measured = rows_of(record, label, 1)["litert"]
        row["memory, ai_edge_litert, MB"] = f"{measured['memory'] / 1e6:.1f}"
        rows.append(row)
    notes = [f"[{number}] {source}" for source, number in sources.items()]
    return "\n\n".join([as_markdown(rows), conditions(record), *notes])


def short(row):
    """The runtime without its version."""
    return row["runtime"].split()[0]


def rows_of(record, label, threads):
    """Dictionary from format to what was measured of one network."""
    return {
        row["format"]: row
        for row in record["rows"][str(threads)]
        if row["model"] == label
    }


def conditions(record):
    runtimes = dict.fromkeys(r["runtime"] for r in record["rows"]["1"])
    return (
        f"Images of {record['size']}x{record['size']} pixels, one (ms) or "
        f"batches of {record['batch_size']} (memory beyond the loaded "
        f"network); {record['rounds']} rounds in turns, 1 thread of "
        f"{record['hardware']['processor']}; {', '.join(runtimes)}."
    )


def draw(path):
    """Top-1 over the time of one image, a panel for each runtime."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    record = read()
    figure = Figure(figsize=(9, 8), layout="constrained")
    FigureCanvasAgg(figure)
    formats = list(dict.fromkeys(r["format"] for r in record["rows"]["1"]))
    axes = figure.subplots(2, 2, sharey=True).flat
    for axis, name in zip(axes, formats, strict=True):
        points = []
        for label, network in record["networks"].items():
            row = rows_of(record, label, 1)[name]
            milliseconds, style = 1e3 * row["latency"], style_of(label, network)
            if network["top1"] is None:
                axis.axvline(milliseconds, label=label, **style)
            else:
                points.append((milliseconds, network["top1"]))
                axis.plot(*points[-1], label=label, **style)
        best = frontier(points)
        axis.step(*zip(*best, strict=True), where="post", color="0.6", zorder=0)
        axis.set_title(row["runtime"], fontsize=9)
        axis.set_xlabel("time of one image, ms")
        axis.set_xscale("log")
        axis.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
        axis.set_xticks([], minor=True)
        axis.grid(alpha=0.3, which="both")
    for axis in figure.axes[::2]:
        axis.set_ylabel("top-1 on ImageNet as published, %")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside lower center", ncols=3, frameon=False, fontsize=8,
    )  # fmt: skip
    with replace_when_complete(path) as unfinished:
        figure.savefig(unfinished, dpi=110, format="png")


def style_of(label, network):
    """A colour for each shape; hollow where there are skips."""
    shapes = ("18", "mobilenet", "50", "repvgg")
    plain = label.lower().replace("-", "")
    color = next(f"C{n}" for n, s in enumerate(shapes) if s in plain)
    if network["top1"] is None:
        return {"color": color, "linestyle": ":"}
    chain = network["form"] == "chain"
    marker = "s" if label.startswith("keras.") else "o"
    return {
        "color": color,
        "marker": "^" if label.endswith("range") else marker,
        "markerfacecolor": color if chain else "white",
        "linestyle": "",
    }


if __name__ == "__main__":
    main()
