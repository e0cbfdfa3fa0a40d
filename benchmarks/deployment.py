"""Plain networks beside their twins, exported, in the runtimes.

Measure:  OMP_NUM_THREADS=1 python benchmarks/deployment.py   (all)
          python benchmarks/deployment.py plain_resnet50      (again)
Smoke:    python benchmarks/deployment.py plain_resnet20 --rounds 1
          --formats onnx --output DIR
Write:    python tools/tables.py      (the tables in docs/performance.md)

The folded plain network, the same as it is trained, the residual twin, the
network of `keras.applications` and the plain network's convolutions alone take
turns, batch by batch, so that a busy machine slows all alike; a ratio is the
median of the ratios within a round. Records go to
`evidence/deployment/benchmark/`, one for each network, a figure beside them to
`docs/figures/`. Twenty minutes on one idle core.
"""

import argparse
import json
from pathlib import Path

from keras_pnnh.cli.contestants import ALONE, PLAIN, measure
from keras_pnnh.deployment.benchmark import FORMATS, as_text
from keras_pnnh.deployment.benchmark_findings import find
from keras_pnnh.files import replace_when_complete, write_text
from keras_pnnh.presentation.text_table import as_markdown

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "evidence" / "deployment" / "benchmark"
FIGURE = ROOT / "docs" / "figures" / "deployment.png"
NETWORKS = ("plain_resnet50", "plain_mobilenet_v2_100", "plain_resnet20")
RUNTIMES = (*FORMATS, "openvino")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--formats", nargs="+", default=RUNTIMES)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--output", type=Path, default=RECORDS)
    options = parser.parse_args(arguments)
    for name in options.networks:
        path = options.output / f"{name}.json"

        def write(record, path=path):
            write_text(path, json.dumps(record, indent=1) + "\n")

        record, _ = measure(
            name,
            formats=options.formats,
            alone=True,
            progress=write,  # what is measured is kept if the rest fails
            rounds=options.rounds,
            batch_size=options.batch_size,
            threads=1,
        )
        print(f"{name}\n{as_text(record['rows'])}", flush=True)
    if options.output == RECORDS:
        draw(FIGURE)


def read(name):
    return json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))


def as_table(name):
    """One line for each runtime and network, and the conditions."""
    record = read(name)
    rows = [
        {
            "runtime": row["runtime"],
            "network": row["model"],
            "1 image, ms": f"{1e3 * row['latency']:.1f}",
            "ratio": f"{row['latency_ratio']:.2f}x",
            "images/s": f"{row['throughput']:.1f}",
            "ratio of times": f"{row['throughput_ratio']:.2f}x",
            "memory, MB": _shown(row["memory"], "{:.1f}", 1e6),
            "ratio ": _shown(row["memory_ratio"], "{:.2f}x"),
        }
        for row in record["rows"]
    ]
    settings, hardware = record["settings"], record["hardware"]
    size = "x".join(map(str, record["input_shape"][:2]))
    return (
        f"{as_markdown(rows)}\n\nImages of {size} pixels; images/s and memory "
        f"in batches of {settings['batch_size']}; {settings['rounds']} rounds "
        f"in turns; {hardware['processor']}, {settings['threads']} thread."
    )


def counts(name):
    """What `audit` counts of the same networks."""
    record = read(name)
    plain = record["counts"][PLAIN]
    return as_markdown(
        [
            {
                "network": label,
                "MACs": found["macs"],
                "ratio": f"{found['macs'] / plain['macs']:.2f}x",
                "peak activation (floats)": found["peak_activation"],
                "ratio ": "{:.2f}x".format(
                    found["peak_activation"] / plain["peak_activation"]
                ),
                "at layer": f"`{found['peak_layer']}`",
            }
            for label, found in record["counts"].items()
        ]
    )


def losses():
    """Where the plain, folded network is no faster and no smaller."""
    lines = []
    for name in NETWORKS:
        record = read(name)
        lines += [
            {
                "plain network": f"`{name}`",
                "runtime": found.where,
                "does not beat": found.model,
                "in": found.what,
                "ratio": f"{found.ratio:.2f}x{_doubt(found)}",
            }
            for found in find(record["rows"], record["counts"])
            if found.where != "counted"
            and found.model != ALONE
            and not found.won
        ]
    return as_markdown(lines) if lines else "Nowhere in these runs."


def limit():
    """The time of the convolutions alone, as a share of the network's."""
    rows = []
    for name in NETWORKS:
        record = read(name)
        for row in record["rows"]:
            if row["model"] == ALONE:
                rows.append(
                    {
                        "plain network": f"`{name}`",
                        "runtime": row["runtime"],
                        "one image": _with_range(row, "latency"),
                        "a batch": _with_range(row, "throughput"),
                    }
                )
    return as_markdown(rows)


def _with_range(row, what):
    low, high = row[f"{what}_range"]
    return f"{row[f'{what}_ratio']:.2f} ({low:.2f} to {high:.2f})"


def _doubt(found):
    return ", undecided" if found.verdict == "undecided" else ""


def goals():
    """Folded PlainResNet50 beside `keras.applications.ResNet50`."""
    record = read("plain_resnet50")
    return as_markdown(
        [
            {
                "runtime": row["runtime"],
                "faster with one image (goal 1.3x)": (
                    f"{row['latency_ratio']:.2f}x"
                ),
                "faster with a batch (goal 1.3x)": (
                    f"{row['throughput_ratio']:.2f}x"
                ),
                "memory of a batch (goal 0.67x)": _shown(
                    row["memory_ratio"] and 1 / row["memory_ratio"], "{:.2f}x"
                ),
            }
            for row in record["rows"]
            if row["model"] == "keras.applications.ResNet50"
        ]
    )


def _shown(number, form, unit=1):
    return "-" if number is None else form.format(number / unit)


def draw(path):
    """Times beside those of the plain network, for every runtime."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, name in zip(
        figure.subplots(1, len(NETWORKS)), NETWORKS, strict=True
    ):
        rows = [
            row
            for row in read(name)["rows"]
            if row["model"] not in (PLAIN, ALONE)
        ]
        labels = list(dict.fromkeys(row["model"] for row in rows))
        runtimes = list(dict.fromkeys(row["runtime"] for row in rows))
        for number, label in enumerate(labels):
            ratios = [r["latency_ratio"] for r in rows if r["model"] == label]
            places = [
                place + 0.8 * number / len(labels)
                for place in range(len(runtimes))
            ]
            axis.bar(places, ratios, width=0.75 / len(labels), label=label)
        axis.axhline(1, color="black", linewidth=1)
        axis.set_xticks(
            [place + 0.3 for place in range(len(runtimes))],
            [runtime.split()[0] for runtime in runtimes],
        )
        axis.set_title(name)
        axis.legend(fontsize=7, loc="lower right")
    figure.axes[0].set_ylabel("time for one image / plain, folded")
    with replace_when_complete(path) as unfinished:
        figure.savefig(unfinished, dpi=110, format="png")


if __name__ == "__main__":
    main()
