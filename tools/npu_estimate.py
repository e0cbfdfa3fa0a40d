"""What a compiler for an NPU makes of chains and of their residual twins.

Measure:  python tools/npu_estimate.py --vela VELA --data CIFAR10_FOLDER
Write:    python tools/tables.py      (the table in docs/deployment.md)

VELA is the command of Arm's compiler for Ethos-U processors (PyPI:
ethos-u-vela), which may stand in an environment of its own. Each network has
kernels drawn alike and is written as a LiteRT file of 8-bit integers for one
image.
Memory and cycles are the compiler's estimate; nothing ran on a device.
"""

import argparse
import csv
import json
import math
import re
import subprocess
import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet20,
    PlainWide11Small,
)
from keras_pnnh.data import load_images
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/npu.json"
ACCELERATOR = "ethos-u55-128"
SMALL = {"input_shape": (32, 32, 3), "stem": "3x3", "classes": 10}
NETWORKS = {
    "plain_wide11_small": (PlainWide11Small, {}, "none"),
    "plain_resnet20": (PlainResNet20, {}, "coder"),
    "plain_mobilenet_v2_050": (
        PlainMobileNetV2,
        {"alpha": 0.5, **SMALL},
        "coder",
    ),
}
COLUMNS = {
    "sram_memory_used": "sram",
    "off_chip_flash_memory_used": "flash",
    "cycles_npu": "npu_cycles",
    "cycles_total": "cycles",
    "nn_macs": "macs",
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vela", required=True, help="the compiler")
    parser.add_argument("--data", required=True, help="CIFAR-10 by class")
    options = parser.parse_args(arguments)
    version = subprocess.run(
        [options.vela, "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    images = load_images(options.data, "train").images[:50].astype("float32")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (build, settings, path) in NETWORKS.items():
            for label, internal_path in (("chain", path), ("twin", "residual")):
                model = draw_kernels(
                    build(internal_path=internal_path, **settings)
                )
                file = Path(folder) / f"{name}_{label}.tflite"
                report = keras_pnnh.export(
                    model,
                    file,
                    "litert_int8",
                    representative=images,
                    batch_size=1,
                )
                found = compile_file(options.vela, file, Path(folder))
                rows.append(
                    {
                        "network": name,
                        "form": label,
                        "internal_path": internal_path,
                        "joins": report.joins,
                        **found,
                    }
                )
                print(rows[-1], flush=True)
    record = {
        "compiler": f"ethos-u-vela {version}",
        "accelerator": ACCELERATOR,
        "versions": environment.versions(),
        "rows": rows,
    }
    write_text(RECORD, json.dumps(record, indent=1) + "\n")
    print(as_table(record))


def draw_kernels(model):
    """The folded network with kernels of He et al. (2015).

    A chain's begin as an identity and a small learner, which compress better
    than the twin's: not what is to be compared.
    """
    folded = keras_pnnh.fold(model)
    generator = np.random.default_rng(0)
    for layer in folded.layers:
        if hasattr(layer, "kernel"):
            shape = layer.kernel.shape
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            fan_in = math.prod(shape[:2] if depthwise else shape[:-1])
            drawn = generator.normal(0, math.sqrt(2 / fan_in), shape)
            layer.kernel.assign(drawn)
    return folded


def compile_file(vela, file, folder):
    """What the compiler says of one file."""
    output = folder / f"{file.stem}_compiled"
    arguments = ["--accelerator-config", ACCELERATOR, "--output-dir", output]
    said = subprocess.run(
        [vela, file, *arguments], capture_output=True, text=True, check=True
    ).stdout
    (summary,) = output.glob("*_summary_*.csv")
    with open(summary, newline="", encoding="utf-8") as text:
        (row,) = csv.DictReader(text)
    found = {ours: float(row[its]) for its, ours in COLUMNS.items()}
    for where in ("CPU", "NPU"):
        count = re.search(rf"{where} operators = (\d+)", said)
        found[f"{where.lower()}_operators"] = int(count[1]) if count else 0
    return found


def as_table(record=None):
    """One line for each network and form."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    rows = [
        {
            "network": f"`{row['network']}`",
            "form": row["form"],
            "joins": row["joins"],
            "operators on the NPU": row["npu_operators"],
            "on the CPU": row["cpu_operators"],
            "SRAM, KiB": f"{row['sram']:.0f}",
            "cycles, thousands": f"{row['cycles'] / 1e3:,.0f}",
        }
        for row in record["rows"]
    ]
    return (
        f"{as_markdown(rows)}\n\nThe estimate of {record['compiler']} for "
        f"{record['accelerator']} and its own default of memories; kernels "
        "drawn alike (He et al. 2015), one image of 32x32 pixels."
    )


if __name__ == "__main__":
    main()
