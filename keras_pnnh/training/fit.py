"""Train a classifier by a recipe, so that a kill loses one epoch at most."""

import dataclasses
import gc
import sys
import traceback

import keras

from keras_pnnh import environment
from keras_pnnh.data_format import as_data_format
from keras_pnnh.training import (
    curves,
    requirements,
)
from keras_pnnh.training.batches import TrainingBatches, one_hot
from keras_pnnh.training.epoch_keeper import EpochKeeper
from keras_pnnh.training.finite_loss import RequireFiniteLoss
from keras_pnnh.training.freezing import freeze
from keras_pnnh.training.interrupt import StopOnInterrupt
from keras_pnnh.training.optimizer import make_optimizer
from keras_pnnh.training.progress import TrainingProgress
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.weights import Classifier, loader, save_weights


def train(
    model,
    data,
    recipe,
    output,
    seed=0,
    resume=False,
    description=None,
    initial_weights=None,
    tensorboard=False,
    steps_per_execution=1,
    freeze_until=None,
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
        resume: Whether to go on with an interrupted run in `output`. Of a
            finished one, the weights are loaded and the record is returned.
        description: JSON-like facts about the data for the record.
        initial_weights: JSON-like facts for the record about the weights that
            the model comes with, see `weights.lineage`.
        tensorboard: Whether to write TensorBoard logs (needs TensorFlow).
        steps_per_execution: Steps between two returns to Python, worth
            raising on an accelerator.
        freeze_until: Name of the first stage, block or layer to train, see
            `freeze`; None leaves the model as it comes.

    Returns:
        The record of the run, a JSON-like dict.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite.
        ValueError: If data or recipe do not fit the model, or a resumed run
            has other settings.
        FileExistsError: If `output` holds a run and `resume` is False.
        OSError: If a file cannot be written; earlier files stay intact.
        ModuleNotFoundError: If matplotlib, or TensorFlow for TensorBoard, is
            not installed.
    """
    requirements.check_data(model, data)
    requirements.check_logits(model)
    requirements.check_installed(tensorboard)
    if freeze_until is not None:
        freeze(model, freeze_until)
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
            "classes": list(data.class_names),
        },
    }
    if freeze_until is not None:
        config["frozen_until"] = freeze_until
    if initial_weights:
        config["initial_weights"] = initial_weights
    folder = RunFolder(output)
    translate = getattr(model, "translate_config", dict)
    epochs = folder.start(config, resume, translate)
    if resume and not epochs:
        print(
            f"No finished epoch in '{folder.path}': the run starts from its "
            "beginning.",
            file=sys.stderr,
        )
    if not len(validation.labels):
        print(
            "No image is held out for validation: see `validation_split`.",
            file=sys.stderr,
        )
    if folder.is_finished():
        print(
            f"The run in '{folder.path}' is finished: nothing is left to do.",
            file=sys.stderr,
        )
        loader.load(model, folder.weights_path)
        folder.remove_checkpoints()
        return folder.read_record()
    surroundings = {
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    _compile(model, recipe, len(batches), steps_per_execution)
    if epochs:
        folder.load_checkpoint(model, len(epochs))
    progress = TrainingProgress(
        recipe.epochs, len(batches), batches.batch_size, len(epochs)
    )
    interrupt = StopOnInterrupt()
    callbacks = [
        RequireFiniteLoss(),
        progress,
        interrupt,
        EpochKeeper(model, batches, folder, epochs),
    ]
    if tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(folder.path / "logs")))
    try:
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=len(epochs),
            validation_data=_validation(validation, data_format),
            validation_batch_size=500,
            callbacks=callbacks,
            # The batches shuffle themselves; Keras would reorder them by a
            # global generator that a resumed run finds in another state.
            shuffle=False,
            verbose=0,
        )
    except BaseException as error:
        _end_input_thread(error)
        raise
    finally:
        interrupt.close()
        progress.close()
    record = {
        **config,
        **surroundings,
        "epochs": epochs,
        "seconds": round(sum(row["seconds"] for row in epochs), 1),
    }
    size = data.images.shape[1:3]
    classifier = Classifier(data.class_names, size)
    save_weights(model, folder.weights_path, classifier)
    curves.plot_curves(epochs, folder.curves_path, model.name)
    folder.write_record(record)
    folder.remove_checkpoints()
    return folder.read_record()


def _compile(model, recipe, steps_per_epoch, steps_per_execution):
    model.compile(
        make_optimizer(recipe, steps_per_epoch, model.trainable_variables),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )


def _validation(data, data_format):
    if not len(data.labels):
        return None
    images = as_data_format(data.images, data_format)
    return images, one_hot(data.labels, data.class_names)


def _end_input_thread(error):
    """Free TensorFlow's iterator over the batches, which `error` holds.

    Its thread calls Python; if it is still at work when the interpreter
    ends, the two wait for each other for ever.
    """
    if keras.backend.backend() == "tensorflow":
        traceback.clear_frames(error.__traceback__)
        gc.collect()
