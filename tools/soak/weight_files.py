"""Damaged and edited weight files: refused, or equal to the original."""

import json

import h5py
import keras
import numpy as np
from mutations import mutate
from outcomes import RIGHT, WRONG

import keras_pnnh
from keras_pnnh.applications import PlainResNet
from keras_pnnh.weights import Classifier, find_classifier

EDITS = (
    "nan",
    "infinity",
    "one number",
    "swap",
    "delete",
    "type",
    "shape",
    "note",
    "note is no JSON",
    "new note",
)


def prepare(folder):
    """A file, its weights and its classes."""
    keras.utils.set_random_seed(0)
    model = PlainResNet(
        (1, 1), (4, 8), classes=3, input_shape=(8, 8, 3), name="soaked"
    )
    path = folder / "good.weights.h5"
    classifier = Classifier(("ant", "bee", "cat"), (8, 8))
    keras_pnnh.save_weights(model, path, classifier)
    return folder, path, model.get_weights(), classifier


def trial(seed, shared):
    """One damaged file."""
    folder, path, weights, classifier = shared
    generator = np.random.default_rng(seed)
    damaged = folder / "damaged.weights.h5"
    if generator.random() < 0.5:
        content, kind = mutate(path.read_bytes(), generator)
        damaged.write_bytes(content)
    else:
        damaged.write_bytes(path.read_bytes())
        kind = str(generator.choice(EDITS))
        edit(damaged, kind, generator)
    model = keras_pnnh.from_weights(damaged)
    found = model.get_weights()
    same = len(found) == len(weights) and all(
        np.array_equal(ours, theirs)
        for ours, theirs in zip(found, weights, strict=True)
    )
    if not same:
        return WRONG, f"{kind}: other weights"
    if find_classifier(None, str(damaged)) != classifier:
        return WRONG, f"{kind}: other classes"
    return RIGHT, kind


def edit(path, kind, generator):
    """Change a file by the library that reads it."""
    with h5py.File(path, "r+") as file:
        names = []
        file.visititems(
            lambda name, item: (
                names.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
        name = str(generator.choice(names))
        data = file[name]
        if kind in ("nan", "infinity", "one number"):
            value = {"nan": np.nan, "infinity": np.inf}.get(kind, 0.123)
            values = data[()]
            values.flat[int(generator.integers(values.size))] = value
            data[...] = values
        elif kind == "swap":
            alike = [
                other
                for other in names
                if other != name
                and file[other].shape == data.shape
                and not np.array_equal(file[other][()], data[()])
            ]
            if alike:
                other = file[str(generator.choice(alike))]
                mine, theirs = data[()], other[()]
                data[...], other[...] = theirs, mine
        elif kind in ("delete", "type", "shape"):
            values = data[()]
            del file[name]
            if kind == "type":
                file[name] = values.astype("S")
            elif kind == "shape":
                file[name] = np.stack([values, values])
        else:
            edit_note(file, kind, generator)


def edit_note(file, kind, generator):
    """Change what a file says of itself."""
    name = str(generator.choice(sorted(file.attrs)))
    text = file.attrs[name]
    if kind == "new note":
        file.attrs[f"{name}_more"] = text
        return
    if kind == "note is no JSON":
        file.attrs[name] = str(text)[: int(generator.integers(len(str(text))))]
        return
    try:
        content = json.loads(text)
    except (TypeError, ValueError):
        content = text
    values = [None, 1, "x", [], {}, [1, 2], -1, True, 1e300]
    value = values[int(generator.integers(len(values)))]
    if isinstance(content, dict) and content:
        content[str(generator.choice(sorted(content)))] = value
    else:
        content = value
    file.attrs[name] = json.dumps(content)
