"""How much of a fine-tuned MobileNetV2 is left in 8-bit integers.

Measure:  KERAS_BACKEND=tensorflow python tools/int8_agreement.py --model FILE
          --data CIFAR10_FOLDER
Smoke:    ... --smoke    (20 pictures, no record)
Write:    python tools/tables.py      (the table in docs/deployment.md)

FILE is that of `tools/dog_breeds.py`. With its skips, as a chain written out
with pairs, and as one written out within the range of the calibrating
pictures, it is compared with the float network on the same pictures: 100 of
the training part calibrate, 1,000 of the test part compare; no setting was
chosen on these. Time is that of one picture, one thread: files of a runtime
take turns, among them the float32 one of the network with skips; a ratio is
the median of those within a round.
"""

import json
import math
import statistics
import tempfile
from pathlib import Path

import dog_breeds

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.deployment import run_file
from keras_pnnh.deployment.comparison import signal_to_noise, top1_agreement
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.ratios import ratios_of
from keras_pnnh.deployment.run_file import describe_runtime
from keras_pnnh.deployment.timing import measure_times
from keras_pnnh.files import size_of, write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/int8.json"
FORMATS = ("onnx_int8", "openvino_int8", "litert_int8")
SOURCE = "with skips"
PAIRS = "chain"
IN_RANGE = "chain in a range"


def main(arguments=None):
    options = dog_breeds.parse(arguments, __doc__, FORMATS)
    calibrating, comparing, rounds = (
        (8, 20, 2) if options.smoke else (100, 1000, 100)
    )
    model = dog_breeds.load(options.model)
    size = model.input_shape[1:3]
    record = {
        **dog_breeds.origin(options.model),
        "calibrating": calibrating,
        "comparing": comparing,
        "rounds": rounds,
        "rows": measure(
            model,
            dog_breeds.pictures(options.data, "train", calibrating, size),
            dog_breeds.pictures(options.data, "test", comparing, size),
            options.formats,
            rounds,
        ),
    }
    print(as_table(record))
    if not options.smoke:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")


def measure(model, representative, images, formats, rounds):
    """The skip network and its chains in every format."""
    expected = model.predict(images, batch_size=50, verbose=0)
    chain, _ = keras_pnnh.from_residual(model)
    networks = {
        SOURCE: model,
        PAIRS: keras_pnnh.write_out(chain),
        IN_RANGE: chain,  # what `export` makes of it
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in formats:
            form = get_format(name)
            paths = {"float32": Path(folder) / f"{name}_float{form.suffix}"}
            plain = name.removesuffix("_int8")
            keras_pnnh.export(model, paths["float32"], plain, verify=False)
            for label, network in networks.items():
                paths[label] = Path(folder) / f"{name}{len(paths)}{form.suffix}"
                keras_pnnh.export(
                    network,
                    paths[label],
                    name,
                    representative=representative,
                    verify=False,
                )
                found = run_file(paths[label], name, images, 50)
                rows.append(
                    {
                        "format": name,
                        "runtime": describe_runtime(form),
                        "network": label,
                        "joins": len(
                            keras_pnnh.audit(paths[label] / form.graph).joins
                        ),
                        "bytes": size_of(paths[label]),
                        "same_label": top1_agreement(found, expected),
                        "signal_to_noise": signal_to_noise(found, expected),
                    }
                )
                print(rows[-1], flush=True)
            seconds = measure_times(form, paths, images.shape[1:], 1, rounds)
            for row in rows[-len(networks) :]:
                add_times(row, seconds)
    return rows


def add_times(row, seconds):
    """The median time, and the ratios to two others within a round."""
    ours = seconds[row["network"]]
    row["seconds"] = statistics.median(ours)
    for base in ("float32", SOURCE):
        ratios = ratios_of(ours, seconds[base])
        row[f"beside {base}"] = statistics.median(ratios)


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
                "points beside skips": beside(row, record),
                "signal to noise, logits": f"{row['signal_to_noise']:.1f} dB",
                "time beside skips": f"{row[f'beside {SOURCE}']:.2f}x",
                "beside float32 skips": f"{row['beside float32']:.2f}x",
            }
        )
    versions = record["versions"]
    return (
        f"{as_markdown(rows)}\n\n`{record['file']}` (SHA-256 "
        f"`{record['sha256'][:12]}`), {record['calibrating']} pictures "
        f"calibrated, {count:,} others compared, standard error of the share. "
        f"Time of one picture, {record['rounds']} rounds in turns, one thread "
        f"of {record['hardware']['processor']}; keras {versions['keras']}, "
        f"{environment.backend(versions)}; "
        f"{', '.join(sorted({row['runtime'] for row in record['rows']}))}."
    )


def beside(row, record):
    """The difference to the network with skips, and its standard error."""
    shares = [
        other["same_label"]
        for other in record["rows"]
        if other["format"] == row["format"]
        and other["network"] in (SOURCE, row["network"])
    ]
    if len(shares) == 1:
        return ""
    variance = sum(share * (1 - share) for share in shares)
    error = math.sqrt(variance / record["comparing"])
    return f"{100 * (shares[1] - shares[0]):+.1f} ± {100 * error:.2f}"


if __name__ == "__main__":
    main()
