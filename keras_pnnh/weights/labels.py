"""Class names, in the order of the outputs of pretrained classifiers."""

import functools
from pathlib import Path
from typing import Any

# https://www.cs.toronto.edu/~kriz/cifar.html
CIFAR10_LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@functools.cache
def imagenet_classes() -> Any:
    """WordNet id and name of each class of ImageNet (ILSVRC 2012).

    Returns:
        Tuple of 1000 pairs, in the order that all published classifiers have.
        The file beside this one says where they are from.
    """
    path = Path(__file__).with_name("imagenet_classes.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    classes = [line.split(" ") for line in lines if not line.startswith("#")]
    return tuple((identity, name) for identity, name in classes)
