"""The optimizer that a recipe asks for."""

import keras

from keras_pnnh.training.schedule import learning_rate_schedule

# Names of variables that weight decay must leave alone: norms, biases, the
# coder, scales, and what is looked up.
NOT_DECAYED = (
    "gamma",
    "beta",
    "bias",
    "encoder",
    "decoder",
    "coder_scale",
    "learner_scale",
    "alpha",
    "token",
    "token_position",
    "positions",
)


def decays(variable):
    """Whether weight decay acts on a variable: on kernels alone.

    Biases and factors of layers with pass-through channels are numbered, one
    for each range of channels (`bias_0`), but all have one axis.
    """
    return variable.name not in NOT_DECAYED and len(variable.shape) > 1


def make_optimizer(recipe, steps_per_epoch, variables):
    """The recipe's optimizer on the recipe's schedule, built.

    Args:
        recipe: `Recipe`.
        steps_per_epoch: Steps of an epoch, the unit of the schedule.
        variables: Trainable variables of the model.
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
        optimizer.exclude_from_weight_decay(
            [variable for variable in variables if not decays(variable)]
        )
    # A checkpoint restores the optimizer, so its variables must exist.
    optimizer.build(variables)
    return optimizer
