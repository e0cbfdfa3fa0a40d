"""Discriminative learning rates: small for early layers, full for late ones."""

import math
import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_pnnh.training.layer_groups import (
    belongs,
    check_names,
    ordered_layers,
)
from keras_pnnh.training.optimizer import without_decay


@keras.saving.register_keras_serializable(package="keras_pnnh")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate schedule times a factor.

    Args:
        schedule: The schedule.
        factor: What to multiply it by.
    """

    def __init__(self, schedule: Any, factor: Any) -> None:
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step: Any) -> Any:
        return self.factor * self.schedule(step)

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "factor": self.factor}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["factor"])


def scale_learning_rates(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    factors: Mapping[str, float] | float,
) -> keras.optimizers.Optimizer:
    """An optimizer with a learning rate of its own for each stage.

    Layer-wise rates for fine-tuning (Howard and Ruder 2018, arXiv 1801.06146):
    early layers hold general features and should move little. The rate itself
    is scaled and not the gradient, which Adam would divide out again.

    Args:
        model: The functional or sequential `keras.Model` to be compiled.
        optimizer: A `keras.optimizers.Optimizer` that has not been used, with
            the learning rate, or schedule, of the head. Gradients that it
            clips by a global norm are clipped in each group for itself. What
            training recipes exempt from weight decay is exempt here.
        factors: Dictionary from names of stages, blocks or layers to the
            factor on the rate; the longest name counts, what is not named has
            factor 1. Or a number: the last numbered stage (or block) has this
            factor, the one before its square, and so on; what comes before
            the first one belongs to the next power.

    Returns:
        A `keras.optimizers.MultiOptimizer` for `model.compile`.

    Raises:
        ValueError: For a factor that is not positive, or an unknown name.

    Example:

    >>> import keras
    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import scale_learning_rates
    >>> model = PlainResNet20(classes=2)
    >>> optimizer = keras.optimizers.SGD(0.1)
    >>> optimizer = scale_learning_rates(model, optimizer, {"stem": 0.5})
    >>> len(optimizer.optimizers)
    2
    """
    layers = ordered_layers(model)
    if isinstance(factors, dict):
        check_names(layers, factors, "factors")
        by_layer = [_factor_of(layer, factors) for layer in layers]
    else:
        by_layer = _decayed(layers, factors)
    for factor in [*by_layer, factors if not by_layer else 1.0]:
        if not 0 < factor < math.inf:
            raise ValueError(
                "A factor on the learning rate must be positive. Received: "
                f"factors={factors!r}. To keep layers as they are, use "
                "`freeze`."
            )
    paths = {}
    for layer, factor in zip(layers, by_layer, strict=True):
        for variable in layer.trainable_variables:
            paths.setdefault(factor, []).append(variable)
    _check_paths(paths)
    spared = without_decay(model)
    copies = {
        "|".join(re.escape(variable.path) for variable in variables): _copy(
            optimizer, factor, spared
        )
        for factor, variables in paths.items()
        if factor != 1
    }
    rest = _copy(optimizer, 1, spared)
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(rest, copies)
    )


def _factor_of(layer, factors):
    names = [name for name in factors if belongs(layer, name)]
    return factors[max(names, key=len)] if names else 1.0


def _decayed(layers, decay):
    """A factor for each layer: powers that fall towards the input."""
    levels, seen = [], []
    for layer in layers:
        group = layer.name.split("_")[0]
        if group[-1].isdigit():
            if group not in seen:
                seen.append(group)
            levels.append(seen.index(group))
        else:
            levels.append(None if seen else -1)
    last = len(seen)
    return [1.0 if n is None else float(decay) ** (last - n) for n in levels]


def _check_paths(paths):
    """A variable is found by its path, so that a saved optimizer finds it."""
    owners = {}
    for factor, variables in paths.items():
        for variable in variables:
            if owners.setdefault(variable.path, factor) != factor:
                raise ValueError(
                    "Variables with rates of their own need paths of their "
                    f"own. Received: two variables '{variable.path}'. Give "
                    "the layers, or the models inside the model, other names."
                )


def _copy(optimizer, factor, spared):
    """The optimizer with a scaled rate, and its exemptions from decay."""
    config = optimizer.get_config()
    rate = config["learning_rate"]
    if factor != 1 and isinstance(rate, dict):
        schedule = keras.saving.deserialize_keras_object(rate)
        scaled = ScaledSchedule(schedule, factor)
        config["learning_rate"] = keras.saving.serialize_keras_object(scaled)
    elif factor != 1:
        config["learning_rate"] = float(factor * rate)
    config["name"] = f"{optimizer.name}_{factor:.3g}".replace(".", "_")
    copy = type(optimizer).from_config(config)
    if copy.weight_decay:
        copy.exclude_from_weight_decay(spared)
    return copy
