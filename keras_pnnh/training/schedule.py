"""The learning rate over the steps of a run."""

from typing import Any

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

    def __init__(self, peak: Any, warmup_steps: Any, total_steps: Any) -> None:
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rise = step / max(self.warmup_steps, 1)
        fall = (self.total_steps - step) / (
            self.total_steps - self.warmup_steps
        )
        return self.peak * ops.where(
            step < self.warmup_steps, rise, ops.maximum(0.0, fall)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }


@keras.saving.register_keras_serializable(package="keras_pnnh")
class WarmupStepDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from zero, then a factor at each of some steps.

    Args:
        peak: Learning rate at the end of the warm-up.
        warmup_steps: Steps of warm-up.
        boundaries: Steps from which on the factor holds once more.
        factor: What the rate is multiplied by.
    """

    def __init__(
        self,
        peak: float,
        warmup_steps: int,
        boundaries: Any,
        factor: float,
    ) -> None:
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.boundaries = list(boundaries)
        self.factor = factor

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rise = step / max(self.warmup_steps, 1)
        bounds = ops.convert_to_tensor(self.boundaries, "float32")
        passed = ops.sum(ops.cast(step >= bounds, "float32"))
        return self.peak * ops.where(
            step < self.warmup_steps, rise, self.factor**passed
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "boundaries": self.boundaries,
            "factor": self.factor,
        }


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PerUpdate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule over updates, where some steps make one.

    Args:
        schedule: The schedule.
        steps: Steps of an update.
    """

    def __init__(self, schedule: Any, steps: int) -> None:
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        return self.schedule(ops.floor_divide(step, self.steps))

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps"])


def learning_rate_schedule(
    recipe: Recipe, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The schedule that a recipe asks for, by steps."""
    updates = steps_per_epoch / recipe.accumulation
    schedule = _by_updates(recipe, updates)
    if recipe.accumulation == 1:
        return schedule
    return PerUpdate(schedule, recipe.accumulation)


def _by_updates(recipe, updates):
    total = max(round(recipe.epochs * updates), 1)
    # At least one step is left to decay, however short the run.
    warmup = min(round(recipe.warmup_epochs * updates), total - 1)
    peak = recipe.peak_rate
    if recipe.decay == "linear":
        return WarmupLinearDecay(peak, warmup, total)
    if recipe.decay == "steps":
        bounds = [round(total * share / 90) for share in (30, 60, 80)]
        return WarmupStepDecay(peak, warmup, bounds, 0.1)
    if recipe.decay == "exponential":
        bounds = [round(n * updates) for n in range(1, recipe.epochs)]
        return WarmupStepDecay(peak, warmup, bounds, 0.98)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        decay_steps=total - warmup,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )
