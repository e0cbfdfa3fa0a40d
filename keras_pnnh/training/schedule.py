"""The learning rate over the steps of a run."""

import keras
from keras import ops

from keras_pnnh.training.recipe import Recipe


@keras.saving.register_keras_serializable(package="keras_pnnh")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from zero, then a straight line back to zero.

    Keras has warm-up with a cosine (`CosineDecay`), not with a line.

    Args:
        peak: Learning rate at the end of the warm-up.
        warmup_steps: Steps of warm-up.
        total_steps: Steps of the whole run.
    """

    def __init__(self, peak, warmup_steps, total_steps):
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = step / max(self.warmup_steps, 1)
        fall = (self.total_steps - step) / (
            self.total_steps - self.warmup_steps
        )
        return self.peak * ops.where(
            step < self.warmup_steps, rise, ops.maximum(0.0, fall)
        )

    def get_config(self):
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }


def learning_rate_schedule(
    recipe: Recipe, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The schedule that a recipe asks for."""
    total = recipe.epochs * steps_per_epoch
    # At least one step is left to decay, however short the run.
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), total - 1)
    if recipe.decay == "linear":
        return WarmupLinearDecay(recipe.learning_rate, warmup, total)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else recipe.learning_rate,
        decay_steps=total - warmup,
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
