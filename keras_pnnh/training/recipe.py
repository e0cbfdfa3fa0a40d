"""Every setting of a training run, and the named sets of them."""

import dataclasses
import math
from typing import Any

# Keras's fill modes by the recipe's names; its "reflect" repeats the outermost
# pixel.
CROP_FILLS = {"zeros": "constant", "reflect": "reflect"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Settings of a run: optimizer and its schedule, augmentation.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Peak learning rate, reached at the end of the warm-up.
        warmup_epochs: Epochs of linear warm-up from zero.
        decay: `"cosine"` or `"linear"`, down to zero at the last step.
        optimizer: `"sgd"`, with Nesterov momentum, or `"adamw"`, for
            Transformers.
        momentum: Nesterov momentum of `"sgd"`.
        weight_decay: Share of every kernel that a step takes off, times the
            learning rate (decoupled). With momentum `m` it does what an L2
            penalty of `weight_decay * (1 - m)` does. Norms, biases, coders,
            scales, tokens and positions are exempt.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        crop_padding: Largest shift of a training image in pixels; 0 switches
            it off.
        crop_fill: What a shifted image leaves behind: `"zeros"`, a black
            border (He et al. 2015), or `"reflect"`, its own mirror image.
        flip: Whether to mirror training images at random.
        erasing: Share of the training images that lose a random rectangle
            (Zhong et al. 2017, arXiv 1708.04896), as in
            `keras.layers.RandomErasing`.
        validation_split: Share of the training images that is held out.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    decay: str = "cosine"
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 1e-3
    label_smoothing: float = 0.0
    crop_padding: int = 4
    crop_fill: str = "zeros"
    flip: bool = True
    erasing: float = 0.0
    validation_split: float = 0.1

    def __post_init__(self):
        for name, rule, valid in (
            ("epochs", "be a positive integer", _is_count(self.epochs, 1)),
            (
                "batch_size",
                "be a positive integer",
                _is_count(self.batch_size, 1),
            ),
            (
                "learning_rate",
                "be positive and finite",
                0 < self.learning_rate < math.inf,
            ),
            (
                "warmup_epochs",
                f"be at least 0 and less than the {self.epochs} epochs",
                0 <= self.warmup_epochs < self.epochs,
            ),
            (
                "decay",
                "be 'cosine' or 'linear'",
                self.decay in ("cosine", "linear"),
            ),
            (
                "optimizer",
                "be 'sgd' or 'adamw'",
                self.optimizer in ("sgd", "adamw"),
            ),
            ("momentum", "lie in [0, 1)", 0 <= self.momentum < 1),
            (
                "weight_decay",
                "be at least 0 and finite",
                0 <= self.weight_decay < math.inf,
            ),
            ("label_smoothing", "lie in [0, 1)", 0 <= self.label_smoothing < 1),
            (
                "crop_padding",
                "be an integer of at least 0",
                _is_count(self.crop_padding, 0),
            ),
            (
                "crop_fill",
                "be 'zeros' or 'reflect'",
                self.crop_fill in tuple(CROP_FILLS),
            ),
            ("erasing", "lie in [0, 1]", 0 <= self.erasing <= 1),
            (
                "validation_split",
                "lie in [0, 1)",
                0 <= self.validation_split < 1,
            ),
        ):
            if not valid:
                raise ValueError(
                    f"`{name}` of a recipe must {rule}. "
                    f"Received: {name}={getattr(self, name)!r}."
                )


def _is_count(value, least):
    return isinstance(value, int) and value >= least


RECIPES = {
    # He et al. 2015, section 4.2, with a cosine in place of the two steps and
    # their L2 penalty of 1e-4 written as decoupled decay (momentum 0.9).
    "cifar": Recipe(epochs=164, warmup_epochs=2),
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
