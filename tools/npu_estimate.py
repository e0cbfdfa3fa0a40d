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
import re
import subprocess
import tempfile
from pathlib import Path

from int8_twins import write_twins

from keras_pnnh import environment
from keras_pnnh.data import load_images
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/npu.json"
ACCELERATOR = "ethos-u55-128"
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
        for written in write_twins(folder, images):
            found = compile_file(options.vela, written.path, Path(folder))
            rows.append(
                {
                    "network": written.network,
                    "form": written.form,
                    "internal_path": written.internal_path,
                    "joins": written.report.joins,
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
