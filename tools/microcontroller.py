"""Memory that a microcontroller has to hold for chains and for their twins.

Measure:  python tools/microcontroller.py --python PYTHON --data CIFAR10_FOLDER
Write:    python tools/tables.py      (the table in docs/deployment.md)

PYTHON is the interpreter of an environment with PyPI's tflite-micro, the
runtime of TensorFlow for microcontrollers, built for this machine. It plans its
memory ("arena") as it does on a device: activations in one part, what it keeps
about tensors and operators, whose pointers are longer here, in another. Each
network has kernels drawn alike and is written as a LiteRT file of 8-bit
integers for one image. The results are compared with those of LiteRT.
"""

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from int8_twins import write_twins

from keras_pnnh import environment
from keras_pnnh.data import load_images
from keras_pnnh.deployment import run_file
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/microcontroller.json"
COMPARED = 4  # images

# Arguments: the file, its images, where the results go.
RUN = """
import sys
import importlib.metadata
import numpy as np
from tflite_micro.python.tflite_micro import runtime

network = runtime.Interpreter.from_file(sys.argv[1], arena_size=2**26)
results = []
for image in np.load(sys.argv[2]):
    network.set_input(image[None], 0)
    network.invoke()
    results.append(network.get_output(0)[0])
np.save(sys.argv[3], results)
network.print_allocations()
print("version", importlib.metadata.version("tflite-micro"))
"""
SIZE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="has tflite-micro")
    parser.add_argument("--data", required=True, help="CIFAR-10 by class")
    options = parser.parse_args(arguments)
    images = load_images(options.data, "train").images[:50].astype("float32")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for written in write_twins(folder, images):
            rows.append(
                {
                    "network": written.network,
                    "form": written.form,
                    "joins": written.report.joins,
                    **run(options.python, written.path, images[:COMPARED]),
                }
            )
            print(rows[-1], flush=True)
    versions = {row.pop("runtime") for row in rows}
    record = {
        "runtime": f"tflite-micro {versions.pop()}",
        "versions": environment.versions(),
        "rows": rows,
    }
    write_text(RECORD, json.dumps(record, indent=1) + "\n")
    print(as_table(record))


def run(python, file, images):
    """The arena, and how far the results are from those of LiteRT."""
    given, taken = file.with_suffix(".in.npy"), file.with_suffix(".out.npy")
    np.save(given, images)
    done = subprocess.run(
        [python, "-c", RUN, file, given, taken],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{file.name} does not run: {done.stderr[-2000:]}")
    sizes = dict(SIZE.findall(done.stdout + done.stderr))
    expected = run_file(file, "litert_int8", images)
    difference = np.abs(np.load(taken) - expected).max()
    return {
        "arena": int(sizes["total"]),
        "activations": int(sizes["head"]),
        "kept": int(sizes["tail"]),
        "difference": float(difference),
        "runtime": done.stdout.split()[-1],
    }


def as_table(record=None):
    """One line for each network: chain, twin, ratio."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    found = {(row["network"], row["form"]): row for row in record["rows"]}
    rows = []
    for name in dict.fromkeys(row["network"] for row in record["rows"]):
        chain, twin = found[name, "chain"], found[name, "twin"]
        row = {"network": f"`{name}`"}
        for key, words in (("activations", "activations"), ("arena", "in all")):
            row[f"{words}, chain"] = _kib(chain[key])
            row[f"{words}, twin"] = _kib(twin[key])
            row[f"{words}, ratio"] = f"{chain[key] / twin[key]:.2f}x"
        rows.append(row)
    largest = max(row["difference"] for row in record["rows"])
    return (
        f"{as_markdown(rows)}\n\nKiB, one image of 32x32 pixels, 8-bit "
        f"integers, planned by {record['runtime']} built for a computer of 64 "
        "bits; kernels drawn alike (He et al. 2015). Its results differ from "
        f"those of LiteRT by {largest:.2g} at most."
    )


def _kib(size):
    return f"{size / 1024:,.0f}"


if __name__ == "__main__":
    main()
