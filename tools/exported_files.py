"""What the exported files of the networks hold, by reading the files.

Count:  python tools/exported_files.py            (what has no record yet)
        python tools/exported_files.py NAME ...   (these again)
Write:  python tools/tables.py           (the table in docs/pretrained.md)

Exports every bundled network with its weights, and every architecture of the
published ones with random weights, at the default size of image, as ONNX (the
bundled ones as LiteRT, too), and audits the files; the result is kept in
`evidence/exported_files.json`. A network whose pass-through channels cost
more than the limit is not written: what it would cost is kept. It needs the
PyTorch backend, and 6 GB of memory for the largest.
"""

import functools
import tempfile
from pathlib import Path

import kept_counts
import keras

import keras_pnnh
from keras_pnnh.applications import create_model, list_models
from keras_pnnh.deployment.deployed_form import COST_LIMIT
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.weights import registry

RECORD = Path(__file__).parents[1] / "evidence" / "exported_files.json"
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}
NAMES = {"onnx": "ONNX", "litert": "LiteRT"}


def _by_name():
    """A function from a network's name to the network, bundled ones first."""
    networks = {}
    for tag in registry.list_bundled():
        name, weights = tag.split(".")
        networks[tag] = functools.partial(create_model, name, weights=weights)
    # One architecture may have several sets of weights.
    on_the_hub = set(registry.WEIGHTS) - set(registry.list_bundled())
    published = {tag.split(".")[0] for tag in on_the_hub}
    for name in filter(published.__contains__, list_models()):
        networks[name] = functools.partial(
            create_model, name, internal_path="pass_through"
        )
    return networks


NETWORKS = _by_name()


def read():
    """The counts by name."""
    return kept_counts.read(RECORD)


def count(name):
    """What the files of a network hold, or what they would cost."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = NETWORKS[name]()
    report = keras_pnnh.audit(model)
    bundled = "." in name
    counts = {
        "weights": "trained" if bundled else "random",
        "input_shape": list(model.input_shape[1:]),
        "macs": report.macs,
        "pass_through_channels": report.pass_through_channels,
        "written_out_macs": report.written_out_macs,
        "limit": COST_LIMIT,
        "files": {},
    }
    try:
        for format in ("onnx", "litert") if bundled else ("onnx",):
            counts["files"][format] = audit_export(model, format)
    except ValueError as error:
        counts["not_written"] = " ".join(str(error).split())
    return counts


def audit_export(model, format):
    """What `audit` counts in the file of a network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"net{SUFFIXES[format]}"
        exported = keras_pnnh.export(model, path, format)
        report = keras_pnnh.audit(path)
    return {
        "bytes": exported.size,
        "changes": list(exported.changes),
        "plain": report.plain,
        "joins": len(report.joins),
        "join_kinds": report.join_kinds,
        "activation_joins": report.activation_joins,
        "weighted": report.weighted,
        "operators": report.operators,
    }


def as_table():
    """One line for each file, and each network of which none was written."""
    rows = []
    for name, counts in read().items():
        row = {
            "network": f"`{name}`",
            "weights": counts["weights"],
            "cost": _cost(counts),
        }
        for format, file in counts["files"].items():
            kinds = ", ".join(
                f"{number} {kind}"
                for kind, number in file["join_kinds"].items()
            )
            rows.append(
                row
                | {
                    "file": f"{NAMES[format]}, {file['bytes'] / 1e6:.1f} MB",
                    "operators with weights": file["weighted"],
                    "joins that count": f"{file['joins']} ({kinds})"
                    if kinds
                    else file["joins"],
                    "plain": "yes" if file["plain"] else "no",
                }
            )
        if "not_written" in counts:
            rows.append(
                row
                | {
                    "file": "not written",
                    "operators with weights": "",
                    "joins that count": "",
                    "plain": "",
                }
            )
    return as_markdown(rows)


def _cost(counts):
    """Of writing out, relative to the network with the channels passing."""
    if not counts["pass_through_channels"]:
        return "nothing to write out"
    if counts["written_out_macs"] is None:
        return "cannot be written out"
    return f"{counts['written_out_macs'] / counts['macs']:.2f}x"


if __name__ == "__main__":
    kept_counts.main(__doc__.splitlines()[0], RECORD, NETWORKS, count)
