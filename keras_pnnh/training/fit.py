"""Train a classifier by a recipe, so that a kill loses one epoch at most."""

import dataclasses
import time

import keras

from keras_pnnh.training import environment
from keras_pnnh.training.batches import (
    TrainingBatches,
    as_data_format,
    one_hot,
)
from keras_pnnh.training.curves import plot_curves
from keras_pnnh.training.finite_loss import RequireFiniteLoss
from keras_pnnh.training.progress import TrainingProgress
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.training.schedule import learning_rate_schedule
from keras_pnnh.weights import save_weights

# Part of the names of variables that weight decay must leave alone: norms,
# biases, the coder and its scale.
NOT_DECAYED = ("gamma", "beta", "bias", "encoder", "decoder", "coder_scale")


def train(
    model,
    data,
    recipe,
    output,
    seed=0,
    resume=False,
    description=None,
    tensorboard=False,
    steps_per_execution=1,
):
    """Train a model; everything about the run is kept in `output`.

    Args:
        model: A classifier that returns logits, an application of this
            library. For the same result on every run, set the seed
            (`keras.utils.set_random_seed`) before constructing it.
        data: `LabelledImages` to train on; the recipe's validation split is
            taken from it.
        recipe: `Recipe`.
        output: Folder of the run, see `training.run_folder`.
        seed: Seed of split, order and augmentation.
        resume: Whether to go on with an interrupted run in `output`.
        description: JSON-like facts about the data for the record.
        tensorboard: Whether to write TensorBoard logs (needs TensorFlow).
        steps_per_execution: Steps between two returns to Python, worth
            raising on an accelerator.

    Returns:
        The record of the run, a JSON-like dict.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite.
        ValueError: If data or recipe do not fit the model, or a resumed run
            has other settings.
        FileExistsError: If `output` holds a run and `resume` is False.
        OSError: If a file cannot be written; earlier files stay intact.
    """
    _check_classes(model, data)
    training, validation = data.split(recipe.validation_split, seed)
    data_format = model.get_config().get("data_format", "channels_last")
    batches = TrainingBatches(training, recipe, seed, data_format)
    config = {
        "model": {
            "class_name": type(model).__name__,
            "parameters": model.count_params(),
            **model.get_config(),
        },
        "recipe": dataclasses.asdict(recipe),
        "seed": seed,
        "data": {
            **(description or {}),
            "training_images": len(training.labels),
            "validation_images": len(validation.labels),
            "classes": len(data.class_names),
        },
    }
    folder = RunFolder(output)
    epochs = folder.start(config, resume)
    _compile(model, recipe, len(batches), steps_per_execution)
    if epochs:
        folder.load_checkpoint(model, len(epochs))
    progress = TrainingProgress(
        recipe.epochs, len(batches), batches.batch_size, len(epochs)
    )
    callbacks = [
        RequireFiniteLoss(),
        progress,
        _EpochKeeper(model, batches, folder, epochs),
    ]
    if tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(folder.path / "logs"))
    try:
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=len(epochs),
            validation_data=_validation(validation, data_format),
            validation_batch_size=500,
            callbacks=callbacks,
            verbose=0,
        )
    finally:
        progress.close()
    record = {
        **config,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "epochs": epochs,
        "seconds": round(sum(row["seconds"] for row in epochs), 1),
    }
    save_weights(model, folder.weights_path)
    folder.write_record(record)
    plot_curves(epochs, folder.curves_path, model.name)
    folder.remove_checkpoints()
    return record


def _check_classes(model, data):
    classes = model.output_shape[-1]
    if classes != len(data.class_names):
        raise ValueError(
            "The classifier needs one output for each class of the data. "
            f"Received: a model with {classes} outputs and data with "
            f"{len(data.class_names)} classes: "
            f"{', '.join(data.class_names[:12])}."
        )


def _compile(model, recipe, steps_per_epoch, steps_per_execution):
    optimizer = keras.optimizers.SGD(
        learning_rate_schedule(recipe, steps_per_epoch),
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay or None,
    )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    # A checkpoint restores the optimizer, so its variables must exist.
    optimizer.build(model.trainable_variables)


def _validation(data, data_format):
    if not len(data.labels):
        return None
    images = as_data_format(data.images, data_format)
    return images, one_hot(data.labels, data.class_names)


class _EpochKeeper(keras.callbacks.Callback):
    """Tells the batches which epoch it is; saves each finished one."""

    def __init__(self, model, batches, folder, epochs):
        super().__init__()
        self.set_model(model)
        self.batches = batches
        self.folder = folder
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        metrics = {name: round(float(logs[name]), 6) for name in sorted(logs)}
        rate = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        seconds = round(time.monotonic() - self.start, 2)
        self.epochs.append(
            {
                "epoch": epoch + 1,
                **metrics,
                "learning_rate": rate,
                "seconds": seconds,
            }
        )
        self.folder.save_checkpoint(self.model, self.epochs)
