"""A fine-tuned MobileNetV2 as a chain: what its forms cost, and keep.

Measure:  KERAS_BACKEND=tensorflow python tools/chain_in_range.py --model FILE
          --data CIFAR10_FOLDER
Smoke:    ... --smoke    (8 pictures, 2 rounds, no record)
Write:    python tools/tables.py      (the table in docs/deployment.md)

FILE is that of `tools/dog_breeds.py`. Compared with the network as it came
are its chain with pass-through channels kept, written out with pairs, and
written out for the range of 64 pictures: on 64 others, whether the label is the
same and how far the logits are apart; on 1,000 others, how many leave the
range. The files take turns in every runtime, one picture at a time, one thread;
a ratio is the median of those within a round.
"""

import json
import statistics
import tempfile
from pathlib import Path

import dog_breeds
import keras
import numpy as np

import keras_pnnh
from keras_pnnh import environment
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.ratios import ratios_of
from keras_pnnh.deployment.timing import measure_times
from keras_pnnh.files import write_text
from keras_pnnh.pass_through import certify_written_out
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/chain_in_range.json"
FORMATS = ("onnx", "litert")
SOURCE = "with skips"


def main(arguments=None):
    options = dog_breeds.parse(arguments, __doc__, FORMATS)
    count, others, rounds = (8, 8, 2) if options.smoke else (64, 1000, 200)
    source = dog_breeds.load(options.model)
    size = source.input_shape[1:3]
    fitting = dog_breeds.pictures(options.data, "train", count, size)
    comparing = dog_breeds.pictures(options.data, "test", others, size)
    chain, _ = keras_pnnh.from_residual(source)
    forms = {
        SOURCE: keras_pnnh.fold(source),
        "pass-through": chain,
        "pairs": keras_pnnh.write_out(chain),
        "in a range": keras_pnnh.write_out(chain, images=fitting),
    }
    record = {
        **dog_breeds.origin(options.model),
        "fitting": count,
        "comparing": min(count, others),
        "counting": others,
        "rounds": rounds,
        "rows": compare(source, forms, comparing[:count]),
    }
    certificate = certify_written_out(chain, forms["in a range"], comparing)
    record["clipped"] = {
        "outcome": certificate.outcome,
        "values": certificate.clipped,
        "images": certificate.clipped_images,
        "exact": certificate.exact,
    }
    record["times"] = {
        name: times(forms, name, rounds) for name in options.formats
    }
    print(as_table(record))
    if not options.smoke:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")


def compare(source, forms, images):
    """Costs, and differences from the network as it came."""
    expected = source.predict(images, batch_size=16, verbose=0)
    cost = keras_pnnh.audit(source).macs
    rows = {}
    for form, network in forms.items():
        found = network.predict(images, batch_size=16, verbose=0)
        macs = keras_pnnh.audit(network).macs
        rows[form] = {
            "macs": macs,
            "macs_ratio": macs / cost,
            "convolutions": sum(map(_convolves, network.layers)),
            "same_label": int((found.argmax(-1) == expected.argmax(-1)).sum()),
            "difference": float(
                np.abs(found - expected).max() / np.abs(expected).max()
            ),
        }
    return rows


def _convolves(layer):
    if type(layer).__name__ == "CarryConv2D":
        return True
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    return isinstance(layer, kinds)


def times(forms, name, rounds):
    """Seconds of every form in a runtime, its files in turns."""
    form = get_format(name)
    with tempfile.TemporaryDirectory() as folder:
        paths, joins = {}, {}
        for number, (label, network) in enumerate(forms.items()):
            paths[label] = Path(folder) / f"{number}{form.suffix}"
            report = keras_pnnh.export(
                network, paths[label], name, keep_pass_through=True
            )
            joins[label] = report.joins
        shape = forms[SOURCE].input_shape[1:]
        seconds = measure_times(form, paths, shape, 1, rounds)
    base = seconds[SOURCE]
    return {
        "runtime": report.runtime,
        "forms": {
            label: {
                "joins": joins[label],
                "seconds": statistics.median(found),
                "ratio": statistics.median(ratios_of(found, base)),
            }
            for label, found in seconds.items()
        },
    }


def as_table(record=None):
    """One line for each form."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    runtimes = record["times"].values()
    rows = []
    for form, found in record["rows"].items():
        row = {
            "form": form,
            "MACs": f"{found['macs_ratio']:.3f}x",
            "convolutions": found["convolutions"],
            "same label": f"{found['same_label']} of {record['comparing']}",
            "difference of logits": f"{found['difference']:.1e}",
        }
        for timed in runtimes:
            name = timed["runtime"].split()[0]
            row[f"joins, {name}"] = timed["forms"][form]["joins"]
            row[f"time, {name}"] = f"{timed['forms'][form]['ratio']:.2f}x"
        rows.append(row)
    clipped, versions = record["clipped"], record["versions"]
    return (
        f"{as_markdown(rows)}\n\n`{record['file']}` (SHA-256 "
        f"`{record['sha256'][:12]}`). Range of {record['fitting']} pictures; "
        f"of {record['counting']:,} others {clipped['images']:,} have values "
        f"that leave it, {clipped['values']:,} in all. Time of one picture, "
        f"{record['rounds']} rounds in turns, one thread of "
        f"{record['hardware']['processor']}; keras {versions['keras']}, "
        f"{environment.backend(versions)}; "
        f"{', '.join(timed['runtime'] for timed in runtimes)}."
    )


if __name__ == "__main__":
    main()
