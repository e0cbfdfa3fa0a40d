"""The only table of checkpoints, keyed by `<variant>.<tag>`."""

import os
from pathlib import Path

from keras_pnnh.weights import hub_repository
from keras_pnnh.weights.entry import WeightsEntry
from keras_pnnh.weights.labels import CIFAR10_LABELS

BUNDLED = Path(__file__).parent / "bundled"

WEIGHTS = {
    "plain_resnet20.cifar10": WeightsEntry(
        filename="plain_resnet20.cifar10.weights.h5",
        sha256="c0734a8e9a6389217420b39194e4373f755393eec9f5a8bfe510fc48e6c40f54",
        classes=10,
        labels=CIFAR10_LABELS,
        image_size=(32, 32),
        data="CIFAR-10 (JPEG copy)",
        limits=(
            "The data is a lossy copy of CIFAR-10 (JPEG, quality 75): figures "
            "are not comparable with those on the original. One seed. For "
            "trying the library and for fine-tuning on small images, not a "
            "product."
        ),
        license="Apache-2.0",
        card="weights/plain_resnet20.cifar10/README.md",
    ),
}


def is_path(weights):
    """Whether `weights=` names a file: no tag, no repository of the Hub."""
    if hub_repository.is_reference(weights):
        return False
    return isinstance(weights, os.PathLike) or (
        isinstance(weights, str) and ("." in weights or os.sep in weights)
    )


def list_weights():
    """Names `<variant>.<tag>` of all checkpoints, sorted."""
    return sorted(WEIGHTS)


def find_weights(variant, tag):
    """The entry of a variant's weights.

    Raises:
        ValueError: If there is none; the message lists those there are.
    """
    name = f"{variant}.{tag}"
    if name in WEIGHTS:
        return WEIGHTS[name]
    available = [key for key in WEIGHTS if key.startswith(f"{variant}.")]
    hint = (
        f"{variant} has: {', '.join(available)}"
        if available
        else f"{variant} has none; there are: {', '.join(list_weights())}"
    )
    raise ValueError(
        "`weights` must be None, the path of a `.weights.h5` file, "
        "'hf://owner/name', or a tag "
        f"with published weights. Received: weights={tag!r}. {hint}."
    )
