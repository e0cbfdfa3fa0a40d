"""Every setting of a training run."""

import dataclasses
import math

DECAYS = ("cosine", "linear", "steps", "exponential")
OPTIMIZERS = ("sgd", "adamw", "lamb")
LOSSES = ("softmax", "sigmoid")
AUGMENTERS = ("keras", "keras_cv")

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
        decay: `"cosine"` or `"linear"`, down to zero at the last step;
            `"steps"`, a tenth from 30, 60 and 80 of 90 epochs on, or as much
            of others; `"exponential"`, 0.98 of it after each epoch.
        optimizer: `"sgd"`, with Nesterov momentum, `"adamw"`, for
            Transformers, or `"lamb"`, for large batches.
        momentum: Nesterov momentum of `"sgd"`.
        weight_decay: Share of every kernel that a step takes off, times the
            learning rate (decoupled). With momentum `m` it does what an L2
            penalty of `weight_decay * (1 - m)` does. Norms, biases, coders,
            scales, tokens and positions are exempt.
        loss: `"softmax"`, the cross-entropy of one distribution, or
            `"sigmoid"`, that of each class by itself (Wightman et al. 2021,
            arXiv 2110.00476).
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`; 0 with
            `"sigmoid"`.
        crop_padding: Largest shift of a training image in pixels; 0 switches
            it off.
        crop_fill: What fills the border of a shifted image: `"zeros"`, black
            border (He et al. 2015), or `"reflect"`, its own mirror image.
        flip: Whether to mirror training images at random.
        erasing: Share of the training images that lose a random rectangle
            (Zhong et al. 2017, arXiv 1708.04896), as in
            `keras.layers.RandomErasing`.
        validation_split: Share of the training images that is held out.
        scaled_batch: Images of an update that `learning_rate` is for; it
            grows with the images of an update (Goyal et al. 2017, arXiv
            1706.02677). 0 takes it as it is.
        accumulation: Steps whose gradients make one update. Schedule, warm-up
            and average count updates.
        average: Share of the average of the weights that an update keeps
            (EMA); the average is validated and is the result. 0 for none.
        clip: Largest norm of an update's gradients; 0 for any.
        crop_area: Least share of an image that a random crop keeps, which is
            resized to the whole; 0 for no crops (Szegedy et al. 2014, arXiv
            1409.4842: 0.08).
        rand_augment: Magnitude of RandAugment (Cubuk et al. 2019, arXiv
            1909.13719), 0 to 10, as in `keras.layers.RandAugment`; 0 for none.
        rand_augment_by: Who computes it: `"keras"`, or `"keras_cv"` (extra
            `cv`), which is faster and draws otherwise after a resume.
        mixup: Parameter of MixUp's beta distribution (Zhang et al. 2017,
            arXiv 1710.09412); 0 for none.
        cutmix: The same of CutMix (Yun et al. 2019, arXiv 1905.04899). With
            both, each batch gets one of the two.

    Example:

    >>> from keras_pnnh.training import Recipe
    >>> recipe = Recipe(epochs=2, batch_size=64)
    >>> recipe.learning_rate, recipe.decay, recipe.flip
    (0.1, 'cosine', True)
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    decay: str = "cosine"
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 1e-3
    loss: str = "softmax"
    label_smoothing: float = 0.0
    crop_padding: int = 4
    crop_fill: str = "zeros"
    flip: bool = True
    erasing: float = 0.0
    validation_split: float = 0.1
    scaled_batch: int = 0
    accumulation: int = 1
    average: float = 0.0
    clip: float = 0.0
    crop_area: float = 0.0
    rand_augment: float = 0.0
    rand_augment_by: str = "keras"
    mixup: float = 0.0
    cutmix: float = 0.0

    @property
    def peak_rate(self) -> float:
        """The largest learning rate, for the images of an update."""
        if not self.scaled_batch:
            return self.learning_rate
        images = self.batch_size * self.accumulation
        return self.learning_rate * images / self.scaled_batch

    def __post_init__(self) -> None:
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
                f"be one of {', '.join(DECAYS)}",
                self.decay in DECAYS,
            ),
            (
                "optimizer",
                f"be one of {', '.join(OPTIMIZERS)}",
                self.optimizer in OPTIMIZERS,
            ),
            ("momentum", "lie in [0, 1)", 0 <= self.momentum < 1),
            (
                "weight_decay",
                "be at least 0 and finite",
                0 <= self.weight_decay < math.inf,
            ),
            ("loss", f"be one of {', '.join(LOSSES)}", self.loss in LOSSES),
            ("label_smoothing", "lie in [0, 1)", 0 <= self.label_smoothing < 1),
            (
                "label_smoothing",
                "be 0 with the loss of each class by itself",
                self.label_smoothing == 0 or self.loss != "sigmoid",
            ),
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
            (
                "scaled_batch",
                "be an integer of at least 0",
                _is_count(self.scaled_batch, 0),
            ),
            (
                "accumulation",
                "be a positive integer",
                _is_count(self.accumulation, 1),
            ),
            ("average", "lie in [0, 1)", 0 <= self.average < 1),
            ("clip", "be at least 0 and finite", 0 <= self.clip < math.inf),
            ("crop_area", "lie in [0, 1]", 0 <= self.crop_area <= 1),
            ("rand_augment", "lie in [0, 10]", 0 <= self.rand_augment <= 10),
            (
                "rand_augment_by",
                f"be one of {', '.join(AUGMENTERS)}",
                self.rand_augment_by in AUGMENTERS,
            ),
            ("mixup", "be at least 0 and finite", 0 <= self.mixup < math.inf),
            ("cutmix", "be at least 0 and finite", 0 <= self.cutmix < math.inf),
        ):
            if not valid:
                raise ValueError(
                    f"`{name}` of a recipe must {rule}. "
                    f"Received: {name}={getattr(self, name)!r}."
                )


def _is_count(value, least):
    return isinstance(value, int) and value >= least
