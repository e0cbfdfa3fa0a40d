"""Which of several trained networks does best on images none has trained on.

    python tools/choose_weights.py --data DIR NAME=RUN NAME=WEIGHTS ...

NAME=RUN is the folder of a run, or a weight file beside its `record.json`. The
validation parts of runs with one seed lie within each other, so the smallest
is held out from all of them; this is what the weights of the package are
chosen on. The result is kept in `evidence/choice.json`; `tools/tables.py`
writes it into `docs/bundled_weights.md`.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from keras_pnnh.applications import create_model
from keras_pnnh.data import load_images
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.weights import digest

RECORD = Path(__file__).parents[1] / "evidence" / "choice.json"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--data", required=True, help="CIFAR-10 by class")
    parser.add_argument("--model", default="plain_resnet20")
    options = parser.parse_args(arguments)
    files = dict(network.split("=", 1) for network in options.networks)
    files = {name: _weights_of(Path(path)) for name, path in files.items()}
    records = {
        name: json.loads(path.with_name("record.json").read_text())
        for name, path in files.items()
    }
    if len({record["seed"] for record in records.values()}) > 1:
        parser.error("the runs must have split by one seed")
    share = min(
        record["recipe"]["validation_split"] for record in records.values()
    )
    seed = next(iter(records.values()))["seed"]
    _, held_out = load_images(options.data, "train").split(share, seed)
    rows = []
    for name, path in files.items():
        model = create_model(options.model, weights=path)
        found = model.predict(held_out.images, batch_size=250, verbose=0)
        rows.append(
            {
                "network": name,
                "sha256": digest.of_file(path),
                "accuracy": float(np.mean(found.argmax(-1) == held_out.labels)),
            }
        )
    record = {"images": len(held_out.labels), "seed": seed, "rows": rows}
    write_text(RECORD, json.dumps(record, indent=1) + "\n")
    print(as_table(record))


def _weights_of(path):
    return path / "model.weights.h5" if path.is_dir() else path


def as_table(record):
    """The record as a Markdown table."""
    right = f"right of {record['images']:,} held-out images, %"
    return as_markdown(
        [
            {"weights": row["network"], right: round(100 * row["accuracy"], 1)}
            for row in record["rows"]
        ]
    )


if __name__ == "__main__":
    main()
