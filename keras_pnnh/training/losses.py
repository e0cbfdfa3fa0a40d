"""The loss of a recipe."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.training.recipe import Recipe

PRESENT = 0.2  # share of a mixed label from which on its class is in the image


def make_loss(recipe: Recipe) -> keras.losses.Loss:
    """The loss of logits against shares of the classes.

    Args:
        recipe: `Recipe`.
    """
    if recipe.loss == "sigmoid":
        return EachClassByItself()
    return keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )


@keras.saving.register_keras_serializable(package="keras_pnnh")
class EachClassByItself(keras.losses.Loss):
    """Whether each class is in the image, mean over the classes.

    Binary cross-entropy in place of one softmax over all: a class that was
    mixed in by more than a fifth counts as present (Wightman et al. 2021,
    arXiv 2110.00476, sections 2 and 4; the threshold is that of their code).
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        present = ops.cast(y_true > PRESENT, y_pred.dtype)
        each = ops.binary_crossentropy(present, y_pred, from_logits=True)
        return ops.mean(each, axis=-1)
