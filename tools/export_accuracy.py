"""The bundled network has the same test accuracy in every runtime.

Measure:  python tools/export_accuracy.py --data DIR   (CIFAR-10)
Smoke:    python tools/export_accuracy.py --data DIR --smoke
Write:    python tools/tables.py      (the table in docs/deployment.md)

Folds `PlainResNet20(weights="cifar10")`, exports it to every format, runs each
file in its runtime on all test images and keeps the result in
`evidence/deployment/accuracy.json`. Some minutes on one core.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.applications import create_model
from keras_pnnh.data import load_images
from keras_pnnh.deployment import list_formats, run_file
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.weights import registry

RECORD = Path(__file__).parents[1] / "evidence/deployment/accuracy.json"
MODEL, WEIGHTS = "plain_resnet20", "cifar10"
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
    record = measure(
        options.formats,
        train.images[chosen],
        test.images[tested],
        test.labels[tested],
    )
    print(as_table(record))
    if not options.smoke:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")


def measure(formats, representative, images, labels):
    """Accuracy of the Keras model and of a file of each format."""
    model = keras_pnnh.fold(create_model(MODEL, weights=WEIGHTS))
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
        "model": MODEL,
        "weights": WEIGHTS,
        "sha256": registry.WEIGHTS[f"{MODEL}.{WEIGHTS}"].sha256,
        "images": len(images),
        "representative_images": len(representative),
        "accuracy": float(right.mean()),
        "versions": environment.versions(),
        "rows": rows,
    }


def accuracy(results, labels):
    return float((results.argmax(-1) == labels).mean())


def as_table(record=None):
    """One line for Keras and one for each format."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    versions = record["versions"]
    backend = environment.backend(versions)
    first = {
        "format": "none",
        "runtime": f"keras {versions['keras']}, {backend}",
        "bytes": "",
        "test accuracy": f"{100 * record['accuracy']:.2f} %",
        "points": "",
        "same class as Keras": "",
        "largest difference": "",
    }
    rows = [
        {
            "format": f"`{row['format']}`",
            "runtime": row["runtime"],
            "bytes": row["size"],
            "test accuracy": f"{100 * row['accuracy']:.2f} %",
            "points": f"{100 * (row['accuracy'] - record['accuracy']):+.2f}",
            "same class as Keras": f"{100 * row['same_class']:.2f} %",
            "largest difference": f"{row['largest_difference']:.1e}",
        }
        for row in record["rows"]
    ]
    return (
        as_markdown([first, *rows]) + f"\n\n`{record['model']}` with weights "
        f"`{record['weights']}` (SHA-256 `{record['sha256'][:12]}`), folded, "
        f"on {record['images']:,} test images of CIFAR-10; "
        f"{record['representative_images']} training images chose the ranges "
        "of the integers. Differences are between probabilities."
    )


if __name__ == "__main__":
    main()
