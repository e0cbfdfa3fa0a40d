"""The optimizer that a recipe asks for."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.graph.copy_checks import layers_within
from keras_pnnh.layers import PlainLayer
from keras_pnnh.training.recipe import Recipe
from keras_pnnh.training.schedule import learning_rate_schedule

# Keras's layers with variables of several axes that are no kernels.
_KERAS_LAYERS = {keras.layers.PReLU: ("alpha",)}


def without_decay(model: keras.Model) -> list[keras.Variable]:
    """The variables of a model that weight decay leaves alone.

    Those with one axis, which are biases and scales, and those that their
    layers name in `not_decayed`, such as a coder's matrices.
    """
    spared = [each for each in model.variables if len(each.shape) < 2]
    for layer in layers_within(model):
        names = _KERAS_LAYERS.get(type(layer), ())
        if isinstance(layer, PlainLayer):
            names = layer.not_decayed
        values = (getattr(layer, name) for name in names)
        spared += [value for value in values if value is not None]
    return spared


class _AverageOfUpdates(keras.optimizers.Optimizer):
    """Makes an optimizer of Keras average over updates, not over steps.

    Where it accumulates gradients, Keras 3.15 counts updates everywhere but in
    the average of the weights.
    """

    @property
    def ema_momentum(self) -> Any:
        every = self.gradient_accumulation_steps or 1
        if every == 1 or not self.built:
            return self._share_kept
        steps = self.variables[0]
        last = ops.equal((steps + 1) % every, 0)
        # Between two updates the average stays as it is.
        return ops.where(last, self._share_kept, 1.0)

    @ema_momentum.setter
    def ema_momentum(self, share: Any) -> None:
        self._share_kept = share

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ema_momentum": self._share_kept}


@keras.saving.register_keras_serializable(package="keras_pnnh")
class AveragedSGD(_AverageOfUpdates, keras.optimizers.SGD):
    """`SGD` whose average of the weights counts updates."""


@keras.saving.register_keras_serializable(package="keras_pnnh")
class AveragedAdamW(_AverageOfUpdates, keras.optimizers.AdamW):
    """`AdamW` whose average of the weights counts updates."""


@keras.saving.register_keras_serializable(package="keras_pnnh")
class AveragedLamb(_AverageOfUpdates, keras.optimizers.Lamb):
    """`Lamb` whose average of the weights counts updates."""


# By name: Keras's own, and the one that averages over updates.
CLASSES = {
    "sgd": (keras.optimizers.SGD, AveragedSGD),
    "adamw": (keras.optimizers.AdamW, AveragedAdamW),
    "lamb": (keras.optimizers.Lamb, AveragedLamb),
}


def make_optimizer(
    recipe: Recipe, steps_per_epoch: int, model: keras.Model
) -> keras.optimizers.Optimizer:
    """The recipe's optimizer on the recipe's schedule, built.

    Args:
        recipe: `Recipe`.
        steps_per_epoch: Steps of an epoch, the unit of the schedule.
        model: The `keras.Model` to train, built.

    Example:

    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import get_recipe, make_optimizer
    >>> model = PlainResNet20(classifier_activation=None)
    >>> model.compile(
    ...     make_optimizer(get_recipe("cifar"), 390, model),
    ...     "sparse_categorical_crossentropy",
    ... )
    >>> round(model.optimizer.weight_decay, 4)
    0.001
    """
    arguments = {"weight_decay": recipe.weight_decay or None}
    if recipe.optimizer == "sgd":
        arguments |= {"momentum": recipe.momentum, "nesterov": True}
    elif recipe.optimizer == "adamw":
        arguments["weight_decay"] = recipe.weight_decay
    if recipe.clip:
        arguments["global_clipnorm"] = recipe.clip
    if recipe.average:
        arguments |= {"use_ema": True, "ema_momentum": recipe.average}
    if recipe.accumulation > 1:
        arguments["gradient_accumulation_steps"] = recipe.accumulation
    averages = recipe.accumulation > 1 and recipe.average > 0
    made = CLASSES[recipe.optimizer][averages]
    optimizer = made(
        learning_rate_schedule(recipe, steps_per_epoch), **arguments
    )
    if recipe.weight_decay:
        # Not by `var_names`: Keras compares those with other names on
        # TensorFlow ("gamma:0") than on JAX and torch.
        optimizer.exclude_from_weight_decay(without_decay(model))
    # A checkpoint restores the optimizer, so its variables must exist.
    optimizer.build(model.trainable_variables)
    return optimizer
