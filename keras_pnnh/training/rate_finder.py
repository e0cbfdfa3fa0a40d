"""Which learning rate a model bears: the loss over rates that grow."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_pnnh.data import LabelledImages
from keras_pnnh.data_format import data_format_of
from keras_pnnh.presentation.canvas import new_figure, save_figure
from keras_pnnh.training import devices, requirements
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.losses import make_loss
from keras_pnnh.training.optimizer import make_optimizer
from keras_pnnh.training.recipe import Recipe

# Where the loss has grown to so many times its least value, it ends.
TOO_LARGE = 4.0


class FoundRate(NamedTuple):
    """What `find_learning_rate` returns.

    Attributes:
        rate: A third of the rate at which the smoothed loss was least.
        rates: Rate of each step.
        losses: Loss of each step, smoothed.
    """

    rate: float
    rates: list[float]
    losses: list[float]


def find_learning_rate(
    model: keras.Model,
    data: LabelledImages,
    recipe: Recipe,
    picture: str | Path | None = None,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 100,
    seed: int = 0,
) -> FoundRate:
    """Train some steps with a rate that grows by a factor (L. N. Smith 2015).

    arXiv 1506.01186. The weights of the model are afterwards what they were;
    it is left uncompiled or compiled by this function, so compile it again.

    Args:
        model: A classifier that returns logits.
        data: `LabelledImages`.
        recipe: `Recipe`; its optimizer, batches and augmentation are used.
        picture: Where to draw the losses, a PNG file; None for no picture.
        lowest: Rate of the first step.
        highest: Rate of the last one.
        steps: How many.
        seed: Seed of order and augmentation.

    Returns:
        `FoundRate`: a rate to begin with, for these batches; scale it with
        the images of an update.

    Raises:
        ValueError: If the rates do not grow, the loss does not fall, or the
            data do not fit.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.applications import PlainResNet
    >>> from keras_pnnh.data import LabelledImages
    >>> from keras_pnnh.training import Recipe, find_learning_rate
    >>> images = np.zeros((8, 8, 8, 3), "uint8")
    >>> images[::2] = 255  # dark dogs, light cats
    >>> data = LabelledImages(images, np.arange(8) % 2, ("cat", "dog"))
    >>> model = PlainResNet(
    ...     (1,), (8,), classes=2, input_shape=(8, 8, 3),
    ...     classifier_activation=None,
    ... )
    >>> recipe = Recipe(epochs=1, batch_size=4, warmup_epochs=0)
    >>> found = find_learning_rate(model, data, recipe, steps=30)
    >>> found.rates[0] <= found.rate < found.rates[-1]
    True
    """
    if not 0 < lowest < highest < math.inf or steps < 2:
        raise ValueError(
            "Rates must be positive and grow, over two steps at least. "
            f"Received: lowest={lowest}, highest={highest}, steps={steps}."
        )
    devices.check_placement(model)
    requirements.check_data(model, data)
    requirements.check_logits(model, data)
    before = model.get_weights()
    batches = TrainingBatches(data, recipe, seed, data_format_of(model))
    optimizer = make_optimizer(recipe, len(batches), model)
    optimizer.learning_rate = _Growing(lowest, highest, steps)
    model.compile(
        optimizer,
        make_loss(recipe),
    )
    seen = _Losses()
    # Keras goes on with the next pass where one is shorter than `steps`.
    endless = _Endless(batches, steps)
    model.fit(endless, callbacks=[seen], shuffle=False, verbose=0)
    model.set_weights(before)
    growth = highest / lowest
    count = len(seen.smoothed)
    rates = [lowest * growth ** (step / (steps - 1)) for step in range(count)]
    least = min(range(count), key=lambda step: seen.smoothed[step])
    found = FoundRate(rates[least] / 3, rates, seen.smoothed)
    if found.rate < lowest:
        raise ValueError(
            "The loss must fall before it grows for a rate to be found. "
            f"Received: a loss of {seen.smoothed[0]:.3g} at lowest={lowest:g} "
            f"that was least at {rates[least]:.3g}, after {least + 1} of "
            f"{count} steps. Begin lower, take more steps, or look at the "
            "labels."
        )
    if picture is not None:
        _draw(found, picture)
    return found


@keras.saving.register_keras_serializable(package="keras_pnnh")
class _Growing(keras.optimizers.schedules.LearningRateSchedule):
    """From one rate to another by a factor."""

    def __init__(self, lowest, highest, steps):
        self.lowest, self.highest, self.steps = lowest, highest, steps

    def __call__(self, step):
        share = ops.cast(step, "float32") / (self.steps - 1)
        return self.lowest * (self.highest / self.lowest) ** share

    def get_config(self):
        return {
            "lowest": self.lowest,
            "highest": self.highest,
            "steps": self.steps,
        }


class _Losses(keras.callbacks.Callback):
    """The loss of every step, smoothed; ends when it has grown too large."""

    def __init__(self):
        super().__init__()
        self.smoothed: list[float] = []
        self.total = 0.0
        self.average = 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # Keras tells the mean since the beginning.
        total = float(logs["loss"]) * (batch + 1)
        loss, self.total = total - self.total, total
        if not math.isfinite(loss):
            self.model.stop_training = True
            return
        # A moving average, without the bias of its beginning.
        self.average = 0.9 * self.average + 0.1 * loss
        self.smoothed.append(self.average / (1 - 0.9 ** (batch + 1)))
        if self.smoothed[-1] > TOO_LARGE * min(self.smoothed):
            self.model.stop_training = True


class _Endless(keras.utils.PyDataset):
    """So many steps, epoch after epoch."""

    def __init__(self, batches, steps):
        super().__init__()
        self.batches, self.steps = batches, steps

    def __len__(self):
        return self.steps

    def __getitem__(self, step):
        self.batches.epoch, number = divmod(step, len(self.batches))
        return self.batches[number]


def _draw(found, path):
    figure = new_figure(6, 4)
    axis = figure.subplots()
    axis.plot(found.rates, found.losses)
    axis.axvline(found.rate, linestyle="--", label=f"{found.rate:.3g}")
    axis.set(xlabel="learning rate", ylabel="loss, smoothed", xscale="log")
    axis.legend()
    axis.grid(alpha=0.3)
    save_figure(figure, path)
