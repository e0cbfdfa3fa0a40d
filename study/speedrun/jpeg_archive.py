"""CIFAR-10 from an archive of JPEGs, as arrays."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

VALIDATION = 2000  # images held out, the same for every seed


def load(path):
    """Parts `train`, `validation` and `test`, each images and labels.

    Args:
        path: Archive of `cifar10/{train,test}/<class>/<number>.jpg`, or the
            `.npz` that an earlier call wrote beside it.
    """
    path = Path(path)
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {
                part: (arrays[f"{part}_images"], arrays[f"{part}_labels"])
                for part in ("train", "validation", "test")
            }
    found = {"train": [], "test": []}
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(".jpg"):
                continue
            *_, part, label, _ = member.name.split("/")
            data = archive.extractfile(member).read()
            image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            found[part].append((member.name, label, image))
    parts = {}
    for part, items in found.items():
        items.sort(key=lambda item: item[0])
        names = sorted({label for _, label, _ in items})
        labels = np.array([names.index(item[1]) for item in items], "int32")
        parts[part] = (np.stack([item[2] for item in items]), labels)
    images, labels = parts["train"]
    order = np.random.default_rng(0).permutation(len(images))
    held, rest = order[:VALIDATION], order[VALIDATION:]
    return {
        "train": (images[rest], labels[rest]),
        "validation": (images[held], labels[held]),
        "test": parts["test"],
    }


def save(parts, path):
    np.savez(
        path,
        **{f"{part}_images": images for part, (images, _) in parts.items()},
        **{f"{part}_labels": labels for part, (_, labels) in parts.items()},
    )
