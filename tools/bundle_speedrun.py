"""Make a run folder of weights that a speed run of the study kept.

Run:  python tools/bundle_speedrun.py ARRAYS.npz RECORD.json VARIANT FOLDER
Then: keras-pnnh evaluate --weights FOLDER/model.weights.h5 --record FOLDER
      and tools/bundle_weights.py

The speed run scaled its pixels by `x / 64 - 2`; the variant scales them to
[-1, 1]. The stem takes the difference: exactly but for the border of an image,
where padding is zero after either scaling. Kernels are stored in float16.
"""

import argparse
import csv
import json
from pathlib import Path

import h5py
import numpy as np

from keras_pnnh import create_model, save_weights
from keras_pnnh.training.curves import plot_curves
from keras_pnnh.weights import Classifier, content
from keras_pnnh.weights.labels import CIFAR10_LABELS

# `x / 64 - 2` as a multiple of `s = x / 127.5 - 1`, and what is left.
SCALE, OFFSET = 127.5 / 64, 127.5 / 64 - 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arrays", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("variant")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    model = create_model(options.variant)
    fill(model, options.arrays)
    weights = options.folder / "model.weights.h5"
    save_weights(model, weights, Classifier(CIFAR10_LABELS, (32, 32)))
    halve(weights)
    record = json.loads(options.record.read_text())
    record = in_the_librarys_form(record, model)
    (options.folder / "record.json").write_text(json.dumps(record, indent=2))
    rows = record["epochs"]
    with open(options.folder / "log.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[-1])
        writer.writeheader()
        writer.writerows(rows)
    plot_curves(rows, options.folder / "curves.png", options.variant)


def fill(model, path):
    """Assign the arrays in the model's order, with the stem rescaled."""
    with np.load(path) as file:
        arrays = [file[name].astype("float32") for name in file]
    kernel, _, _, mean, variance = arrays[:5]
    arrays[3] = mean - OFFSET * kernel.sum((0, 1, 2))
    arrays[0] = kernel * SCALE
    for variable, array in zip(model.weights, arrays, strict=True):
        variable.assign(array)


def halve(path):
    """Kernels in float16; Keras reads them into whatever a variable is."""
    whole = Path(f"{path}.whole")
    Path(path).rename(whole)
    with h5py.File(whole) as source, h5py.File(path, "w") as target:
        target.attrs.update(source.attrs)

        def copy(name, item):
            if not isinstance(item, h5py.Dataset):
                made = target.require_group(name)
            else:
                kernel = item.ndim > 1
                kind = "float16" if kernel else item.dtype
                made = target.create_dataset(name, data=item[()].astype(kind))
            made.attrs.update(item.attrs)

        source.visititems(copy)
        content.write(target)
    whole.unlink()


def in_the_librarys_form(record, model):
    """The record as `train` would have written it, as far as it goes."""
    names = {"loss": "loss", "validation": "val_accuracy"}
    return {
        "model": {
            "class_name": type(model).__name__,
            "parameters": model.count_params(),
            **model.get_config(),
        },
        "recipe": record["recipe"],
        "seed": record["seed"],
        "data": {
            "source": "cifar10",
            "training_images": 48_000,
            "validation_images": 2_000,
        },
        "versions": record["versions"],
        "hardware": {"accelerators": [record["device"]]},
        "epochs": [
            {names.get(key, key): value for key, value in row.items()}
            for row in record["epochs"]
        ],
        "seconds": record["seconds"],
    }


if __name__ == "__main__":
    main()
