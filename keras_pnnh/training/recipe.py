"""Every setting of a training run, and the named sets of them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Settings of a run: SGD with Nesterov momentum, crop and flip.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Peak learning rate, reached at the end of the warm-up.
        warmup_epochs: Epochs of linear warm-up from zero.
        decay: `"cosine"` or `"linear"`, down to zero at the last step.
        momentum: Nesterov momentum.
        weight_decay: Share of every kernel that a step takes off, times the
            learning rate (decoupled). With momentum `m` it does what an L2
            penalty of `weight_decay * (1 - m)` does. Norms, biases, coders
            and coder scales are exempt.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        crop_padding: Largest shift of a training image in pixels, over a
            border of zeros; 0 switches it off.
        flip: Whether to mirror training images at random.
        validation_split: Share of the training images that is held out.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    decay: str = "cosine"
    momentum: float = 0.9
    weight_decay: float = 1e-3
    label_smoothing: float = 0.0
    crop_padding: int = 4
    flip: bool = True
    validation_split: float = 0.1

    def __post_init__(self):
        _require(self.epochs >= 1, "`epochs` must be at least 1", self.epochs)
        _require(
            self.batch_size >= 1,
            "`batch_size` must be at least 1",
            self.batch_size,
        )
        _require(
            self.learning_rate > 0,
            "`learning_rate` must be positive",
            self.learning_rate,
        )
        _require(
            0 <= self.warmup_epochs < self.epochs,
            f"`warmup_epochs` must be shorter than the {self.epochs} epochs",
            self.warmup_epochs,
        )
        _require(
            self.decay in ("cosine", "linear"),
            "`decay` must be 'cosine' or 'linear'",
            self.decay,
        )
        _require(
            0 <= self.validation_split < 1,
            "`validation_split` must lie in [0, 1)",
            self.validation_split,
        )


def _require(condition, rule, received):
    if not condition:
        raise ValueError(f"{rule}. Received: {received!r}.")


RECIPES = {
    # He et al. 2015, section 4.2, with a cosine in place of the two steps and
    # their L2 penalty of 1e-4 written as decoupled decay (momentum 0.9).
    "cifar": Recipe(epochs=164, warmup_epochs=2),
    # One cycle for a CPU: what fits into an hour or two at depth 20.
    "cifar-short": Recipe(
        epochs=16,
        decay="linear",
        weight_decay=2e-3,
        validation_split=0.02,
    ),
}


def get_recipe(name, **changes):
    """A named recipe, with some settings changed.

    Args:
        name: A key of `RECIPES`.
        **changes: Settings that differ. None leaves the recipe's value.

    Raises:
        ValueError: For an unknown name or a setting out of range.
    """
    if name not in RECIPES:
        raise ValueError(
            f"`recipe` must be one of {sorted(RECIPES)}. Received: {name!r}."
        )
    changes = {
        key: value for key, value in changes.items() if value is not None
    }
    return dataclasses.replace(RECIPES[name], **changes)
