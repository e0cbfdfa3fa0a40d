"""The optimizer that a recipe asks for."""

import keras

from keras_pnnh.graph.copy_checks import layers_within
from keras_pnnh.layers import PlainLayer
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


def make_optimizer(recipe, steps_per_epoch, model):
    """The recipe's optimizer on the recipe's schedule, built.

    Args:
        recipe: `Recipe`.
        steps_per_epoch: Steps of an epoch, the unit of the schedule.
        model: The `keras.Model` to train, built.
    """
    schedule = learning_rate_schedule(recipe, steps_per_epoch)
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=recipe.weight_decay
        )
    else:
        optimizer = keras.optimizers.SGD(
            schedule,
            momentum=recipe.momentum,
            nesterov=True,
            weight_decay=recipe.weight_decay or None,
        )
    if recipe.weight_decay:
        # Not by `var_names`: Keras compares those with other names on
        # TensorFlow ("gamma:0") than on JAX and torch.
        optimizer.exclude_from_weight_decay(without_decay(model))
    # A checkpoint restores the optimizer, so its variables must exist.
    optimizer.build(model.trainable_variables)
    return optimizer
