"""Inputs dissipate in plain networks and not along an internal path.

Run:    python study/analysis/dissipation.py --data DIR
Again:  python study/analysis/dissipation.py --redraw  (from the record)
Smoke:  python study/analysis/dissipation.py --smoke --output DIR
Writes: docs/figures/dissipation.png and evidence/analysis/dissipation.json;
        untrained networks of depth 8 to 110, batch norms in training mode.

DIR is a data set as for `keras-pnnh train`; without it the 30 bundled images
are used.
"""

import argparse
import json
import time
import types
from pathlib import Path

import keras
import numpy as np

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.analysis import measure_signal, predict_survival
from keras_pnnh.analysis.figures import (
    PANELS,
    STYLES,
    curve,
    draw_curve,
    finish,
)
from keras_pnnh.applications import PlainResNet
from keras_pnnh.data import load_images
from keras_pnnh.files import replace_when_complete, write_text

ROOT = Path(__file__).parents[2]
SAMPLES = Path(keras_pnnh.__file__).parent / "samples"
DEPTHS = (8, 20, 56, 110)
NETWORKS = {
    "plain, no path": "none",
    "residual": "residual",
    "plain with coder (PNNH)": "coder",
}
ROWS = ("preservation", "survival", "cosine", "gradient")
RECORDED = ("name", "depth", "trunk", "nonlinear", "channels", *ROWS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=SAMPLES)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT)
    parser.add_argument("--redraw", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="depth 8 only")
    options = parser.parse_args()
    evidence = options.output / "evidence" / "analysis" / "dissipation.json"
    if not options.redraw:
        record = measure(options)
        write_text(evidence, json.dumps(record) + "\n")
    figure = options.output / "docs" / "figures" / "dissipation.png"
    draw(json.loads(evidence.read_text(encoding="utf-8")), figure)
    print(f"figure: {figure}\nrecord: {evidence}")


def measure(options):
    """The record: every network, layer by layer."""
    start = time.monotonic()
    images = draw_images(options.data, options.images, options.seed)
    networks = []
    for depth in DEPTHS[:1] if options.smoke else DEPTHS:
        for label, internal_path in NETWORKS.items():
            model = build(depth, internal_path, options.seed)
            report = measure_signal(model, images, training=True)
            layers = rows(report, predict_survival(model, images))
            networks.append({"depth": depth, "label": label, "layers": layers})
            last = report.trunk()[-1]
            print(
                f"{depth:4d} layers, {label:24s} "
                f"input preserved: {last.preservation:6.3f}  "
                f"survival: {last.survival:.3f}",
                flush=True,
            )
    return {
        "images": len(images),
        "seed": options.seed,
        "seconds": round(time.monotonic() - start),
        "versions": environment.versions(),
        "networks": networks,
    }


def draw_images(data, count, seed):
    """Random test images, `(count, height, width, 3)`."""
    images = load_images(data, "test").images
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(images))[:count]
    return images[chosen].astype("float32")


def build(depth, internal_path, seed):
    """An untrained network of `6 n + 2` layers."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    blocks = ((depth - 2) // 6,) * 3
    return PlainResNet(blocks, (16, 32, 64), internal_path=internal_path)


def rows(report, predicted):
    """What the record keeps of a network, four significant digits."""
    kept = []
    for layer in report.layers:
        row = {field: getattr(layer, field) for field in RECORDED}
        row["predicted_survival"] = predicted[layer.name]
        kept.append(
            {
                key: float(f"{value:.4g}") if type(value) is float else value
                for key, value in row.items()
            }
        )
    return kept


def draw(record, path):
    """One column for each depth, one row for each measure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    depths = sorted({network["depth"] for network in record["networks"]})
    panels = [
        panel for field in ROWS for panel in PANELS if panel.field == field
    ]
    figure = Figure(
        figsize=(3.6 * max(len(depths), 2) + 0.6, 3.0 * len(panels)),
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        len(panels), len(depths), squeeze=False, sharex="col", sharey="row"
    )
    for network in record["networks"]:
        layers = [types.SimpleNamespace(**row) for row in network["layers"]]
        trunk = [layer for layer in layers if layer.trunk]
        style = STYLES[list(NETWORKS).index(network["label"])]
        column = grid[:, depths.index(network["depth"])]
        for axis, panel in zip(column, panels, strict=True):
            panel = panel._replace(everywhere=False)
            points = curve(types.SimpleNamespace(layers=layers), panel)
            draw_curve(axis, *points, network["label"], style)
            finish(axis, panel)
            axis.set(title="", xlabel="")
            axis.set_ylabel(panel.label if axis in grid[:, 0] else "")
        column[0].set_title(f"{network['depth']} layers", fontsize=13)
        column[-1].set_xlabel("depth (weighted layers)")
        column[ROWS.index("survival")].plot(
            [layer.depth for layer in trunk],
            [layer.predicted_survival for layer in trunk],
            color=style[0],
            linewidth=6,
            alpha=0.25,
        )
    handles, labels = grid[0, 0].get_legend_handles_labels()
    theory = Line2D([], [], color="gray", linewidth=6, alpha=0.4)
    figure.legend(
        [*handles, theory],
        [*labels, "theory of survival"],
        loc="outside upper center",
        ncols=4,
        fontsize=12,
    )
    with replace_when_complete(path) as unfinished:
        figure.savefig(unfinished, dpi=90, format="png")


if __name__ == "__main__":
    main()
