"""The only table of checkpoints, keyed by `<variant>.<tag>`."""

import os
from pathlib import Path

from keras_pnnh.weights import hub_repository
from keras_pnnh.weights.entry import Metric, WeightsEntry
from keras_pnnh.weights.labels import CIFAR10_LABELS

BUNDLED = Path(__file__).parent / "bundled"

TIMM_RESULTS = (
    "https://github.com/huggingface/pytorch-image-models/blob/"
    "aa4b5850c1543fa488abf260f18390eda46cf85d/results/results-imagenet.csv"
)


def _timm_resnet(name, revision, sha256, size, top1):
    """A residual network of timm's "a1" recipe."""
    repo_id = f"timm/{name}.a1_in1k"
    return WeightsEntry(
        filename="model.safetensors",
        sha256=sha256,
        classes=1000,
        labels=(),
        image_size=(224, 224),
        data="ImageNet-1k",
        limits=(
            "A published residual network, not trained by this library. "
            "ImageNet's images may be used for research only; what that means "
            "for weights is not settled everywhere."
        ),
        license="Apache-2.0",
        card=f"https://huggingface.co/{repo_id}",
        repo_id=repo_id,
        revision=revision,
        size=size,
        preprocessing="imagenet",
        coder="identity",
        state_dict="resnet",
        metrics=(
            Metric(
                "top-1 accuracy, %",
                top1,
                "ImageNet-1k validation, 224 pixels, crop 0.95, bicubic",
                TIMM_RESULTS,
            ),
        ),
    )


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
    "plain_resnet18.imagenet": _timm_resnet(
        "resnet18",
        "ebd61f9c7420e5b5b53262b8ce6bbe311e1e872a",
        "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612",
        46_807_446,
        71.504,
    ),
    "plain_resnet34.imagenet": _timm_resnet(
        "resnet34",
        "0e8757122c4c09b15fb9300c0fd09b3fe89e28bf",
        "829a220f9529d2b1ffdc8719d3273463001e0daf411eaf1916865d9db62c0ed2",
        None,
        76.420,
    ),
    "plain_resnet50.imagenet": _timm_resnet(
        "resnet50",
        "5d9e13b8fdab4d9718bcf2c8f5c3af01878367e8",
        "773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb",
        102_469_840,
        80.382,
    ),
    "plain_resnet101.imagenet": _timm_resnet(
        "resnet101",
        "e95c1e3e7cdcc0637817ecc79658817e6dc441bc",
        "1ba5b660e7c175b3c27c557fc7dc8b2815be830c516815b0155f61b403f27380",
        None,
        81.494,
    ),
    "plain_resnet152.imagenet": _timm_resnet(
        "resnet152",
        "449ee9bfaea31586d09a7e686b5932e9d1272ec6",
        "5a3518da3d35ee04e77a5e69289cff55c3a07a732d7287f6cab20bd4d330eda9",
        None,
        81.998,
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


def list_bundled():
    """Those of `list_weights()` whose files come with the package."""
    return [name for name in list_weights() if WEIGHTS[name].repo_id is None]


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
