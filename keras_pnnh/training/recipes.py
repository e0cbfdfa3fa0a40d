"""The named recipes, each with its source."""

import dataclasses
from typing import Any

from keras_pnnh.training.recipe import Recipe

RECIPES = {
    # He et al. 2015, section 4.2, with a cosine in place of the two steps and
    # their L2 penalty of 1e-4 written as decoupled decay (momentum 0.9).
    "cifar": Recipe(epochs=164, warmup_epochs=2),
    # He et al. 2015, section 4.2, as it is: a tenth of the rate from a third
    # and two thirds of the epochs on (and from 8/9, which is ours).
    "cifar-steps": Recipe(epochs=164, warmup_epochs=2, decay="steps"),
    # The speed runs of the study (study/speedrun/recipe.py) after K. Jordan
    # 2024 (arXiv 2404.00498), for wide and shallow networks such as
    # `plain_wide11`: a triangle of rates, L2 5e-4 written as decoupled decay.
    # Their flips alternate; here they are drawn.
    "speedrun": Recipe(
        epochs=10,
        batch_size=512,
        learning_rate=0.8,
        warmup_epochs=2,
        decay="linear",
        weight_decay=5e-3,
        label_smoothing=0.1,
        crop_padding=2,
        crop_fill="reflect",
        validation_split=0.04,
        scaled_batch=512,
    ),
    # He et al. 2015, section 3.4, with the warm-up, the scaling and the steps
    # of Goyal et al. 2017 (arXiv 1706.02677); L2 1e-4 written as decoupled
    # decay. Without the colours of either.
    "imagenet-resnet50": Recipe(
        epochs=90,
        batch_size=256,
        learning_rate=0.1,
        scaled_batch=256,
        warmup_epochs=5,
        decay="steps",
        crop_padding=0,
        crop_area=0.08,
        validation_split=0.0,
    ),
    # A2 of Wightman et al. 2021 (arXiv 2110.00476), table 2. Without repeated
    # augmentation and without stochastic depth, which drops what a shortcut
    # would bridge: a chain has none, and the twin is trained without it, too.
    "imagenet-resnet50-a2": Recipe(
        epochs=300,
        batch_size=2048,
        learning_rate=5e-3,
        scaled_batch=2048,
        warmup_epochs=5,
        optimizer="lamb",
        weight_decay=0.02,
        loss="sigmoid",
        crop_padding=0,
        crop_area=0.08,
        rand_augment=7,
        mixup=0.1,
        cutmix=1.0,
        validation_split=0.0,
    ),
    # torchvision's reference for MobileNetV2 (references/classification): 300
    # epochs on 8 x 32 images, 0.98 of the rate after each; L2 4e-5.
    "imagenet-mobilenetv2": Recipe(
        epochs=300,
        batch_size=256,
        learning_rate=0.045,
        scaled_batch=256,
        warmup_epochs=0,
        decay="exponential",
        weight_decay=4e-4,
        crop_padding=0,
        crop_area=0.08,
        validation_split=0.0,
    ),
    # Touvron et al. 2020 (arXiv 2012.12877), table 9 and the published code.
    # Without repeated augmentation and without stochastic depth, which drops
    # what a shortcut would bridge: a chain has none.
    "imagenet-deit-small": Recipe(
        epochs=300,
        batch_size=1024,
        learning_rate=5e-4,
        scaled_batch=512,
        warmup_epochs=5,
        optimizer="adamw",
        weight_decay=0.05,
        label_smoothing=0.1,
        average=0.99996,
        crop_padding=0,
        crop_area=0.08,
        rand_augment=9,
        mixup=0.8,
        cutmix=1.0,
        erasing=0.25,
        validation_split=0.0,
    ),
    # One cycle for a CPU, about an hour or two at depth 20. So few epochs
    # underfit: smaller batches for more steps, smaller shifts.
    "cifar-short": Recipe(
        epochs=12,
        batch_size=64,
        learning_rate=0.05,
        warmup_epochs=0.5,
        decay="linear",
        weight_decay=2e-3,
        crop_padding=2,
        validation_split=0.02,
    ),
    # The same for a small Transformer.
    "cifar-vit-short": Recipe(
        epochs=12,
        batch_size=64,
        learning_rate=1e-3,
        warmup_epochs=0.5,
        decay="linear",
        optimizer="adamw",
        weight_decay=0.05,
        crop_padding=2,
        validation_split=0.02,
    ),
}


def get_recipe(name: str, **changes: Any) -> Recipe:
    """A named recipe, with some settings changed.

    Args:
        name: A key of `RECIPES`.
        **changes: Settings that differ. None leaves the recipe's value.

    Raises:
        ValueError: For an unknown name or a setting out of range.

    Example:

    >>> from keras_pnnh.training import get_recipe
    >>> get_recipe("cifar", epochs=10).batch_size
    128
    """
    if name not in RECIPES:
        raise ValueError(
            f"`recipe` must be one of {sorted(RECIPES)}. Received: {name!r}."
        )
    changes = {
        key: value for key, value in changes.items() if value is not None
    }
    return dataclasses.replace(RECIPES[name], **changes)
