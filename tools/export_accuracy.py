"""The bundled networks have the same test accuracy in every runtime.

Measure:  KERAS_BACKEND=tensorflow python tools/export_accuracy.py --data DIR
          (CIFAR-10)
Smoke:    python tools/export_accuracy.py --data DIR --smoke
Write:    python tools/tables.py      (the table in docs/deployment.md)

Folds the bundled networks, exports them, `plain_resnet20` to every format and
the others to those of integers, runs each file in its runtime on all test
images and keeps the results in `evidence/deployment/accuracy.json`. Some
minutes on one core.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.applications import from_weights
from keras_pnnh.data import load_images
from keras_pnnh.deployment import list_formats, run_file
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.weights import registry

RECORD = Path(__file__).parents[1] / "evidence/deployment/accuracy.json"
FIRST = "plain_resnet20.cifar10"
OTHERS = ("plain_wide11_small.cifar10", "plain_wide11.cifar10")
REPRESENTATIVE_IMAGES = 300


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10 by class")
    parser.add_argument("--formats", nargs="+", default=list_formats())
    parser.add_argument(
        "--smoke", action="store_true", help="100 images, no record"
    )
    options = parser.parse_args(arguments)
    train = load_images(options.data, "train")
    test = load_images(options.data, "test")
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(train.labels))[:REPRESENTATIVE_IMAGES]
    tested = rng.permutation(len(test.labels))
    tested = tested[:100] if options.smoke else tested
    integers = [name for name in options.formats if get_format(name).quantized]
    images, labels = test.images[tested], test.labels[tested]
    record = {
        "images": len(images),
        "representative_images": len(chosen),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "networks": [
            measure(name, formats, train.images[chosen], images, labels)
            for name, formats in (
                (FIRST, options.formats),
                *((name, integers) for name in OTHERS),
            )
        ],
    }
    print(as_table(record))
    if not options.smoke:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")


def measure(network, formats, representative, images, labels):
    """Accuracy of the Keras model and of a file of each format."""
    model = keras_pnnh.fold(from_weights(network))
    expected = model.predict(images, batch_size=250, verbose=0)
    right = expected.argmax(-1) == labels
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in formats:
            path = Path(folder) / f"network{get_format(name).suffix}"
            report = keras_pnnh.export(
                model, path, name, representative=representative
            )
            results = run_file(path, name, images)
            rows.append(
                {
                    "format": name,
                    "runtime": report.runtime,
                    "size": report.size,
                    "accuracy": accuracy(results, labels),
                    "same_class": accuracy(results, expected.argmax(-1)),
                    "largest_difference": float(
                        np.abs(results - expected).max()
                    ),
                }
            )
            print(rows[-1], flush=True)
    return {
        "network": network,
        "sha256": registry.WEIGHTS[network].sha256,
        "accuracy": float(right.mean()),
        "rows": rows,
    }


def accuracy(results, labels):
    return float((results.argmax(-1) == labels).mean())


def as_table(record=None):
    """One line for Keras and one for each format, of each network."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    versions = record["versions"]
    keras_on = f"keras {versions['keras']}, {environment.backend(versions)}"
    rows = []
    for network in record["networks"]:
        rows.append(
            {
                "network": f"`{network['network']}`",
                "format": "none",
                "runtime": keras_on,
                "bytes": "",
                "test accuracy": f"{100 * network['accuracy']:.2f} %",
                "points": "",
                "same class as Keras": "",
                "largest difference": "",
            }
        )
        for row in network["rows"]:
            points = 100 * (row["accuracy"] - network["accuracy"])
            rows.append(
                {
                    "network": "",
                    "format": f"`{row['format']}`",
                    "runtime": row["runtime"],
                    "bytes": row["size"],
                    "test accuracy": f"{100 * row['accuracy']:.2f} %",
                    "points": f"{points:+.2f}",
                    "same class as Keras": f"{100 * row['same_class']:.2f} %",
                    "largest difference": f"{row['largest_difference']:.1e}",
                }
            )
    digests = ", ".join(
        f"`{network['sha256'][:12]}`" for network in record["networks"]
    )
    return (
        as_markdown(rows) + f"\n\nThe bundled networks (SHA-256 {digests}), "
        f"folded, on {record['images']:,} test images of CIFAR-10; "
        f"{record['representative_images']} training images chose the ranges "
        "of the integers. Differences are between probabilities. Processor: "
        f"{record['hardware']['processor']}."
    )


if __name__ == "__main__":
    main()
