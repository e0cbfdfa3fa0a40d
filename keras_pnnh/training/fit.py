"""Train a classifier by a recipe, so that a kill loses little."""

import contextlib
import dataclasses
import gc
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_pnnh import environment
from keras_pnnh.data import LabelledImages
from keras_pnnh.data.identity import fingerprints, identify
from keras_pnnh.data_format import data_format_of
from keras_pnnh.training import curves, devices, hosts, requirements
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.callbacks import RequireFiniteLoss
from keras_pnnh.training.distillation import Teacher, taught_by
from keras_pnnh.training.freezing import freeze
from keras_pnnh.training.losses import make_loss
from keras_pnnh.training.meter import Meter
from keras_pnnh.training.optimizer import make_optimizer
from keras_pnnh.training.profile import Profile
from keras_pnnh.training.progress import TrainingProgress
from keras_pnnh.training.recipe import Recipe
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.training.run_keeper import RunKeeper
from keras_pnnh.training.run_state import RunState
from keras_pnnh.training.stopping import StopOnSignal
from keras_pnnh.training.validation import (
    LabelledAccuracy,
    LossOfLabelled,
    make_validation,
)
from keras_pnnh.training.whole_model import save_whole
from keras_pnnh.weights import Classifier, loader, save_weights


def train(
    model: keras.Model,
    data: LabelledImages,
    recipe: Recipe,
    output: str | os.PathLike[str],
    seed: int = 0,
    resume: bool = False,
    description: Mapping[str, Any] | None = None,
    initial_weights: Mapping[str, Any] | None = None,
    tensorboard: bool = False,
    steps_per_execution: int = 1,
    freeze_until: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    class_weight: Mapping[str | int, float] | None = None,
    checkpoint_steps: int = 0,
    peak_tflops: float | None = None,
    profile_steps: int = 0,
    teacher: Teacher | None = None,
) -> dict[str, Any]:
    """Train a model; everything about the run is kept in `output`.

    Args:
        model: A classifier that returns logits, an application of this
            library. For the same result on every run, set the seed
            (`keras.utils.set_random_seed`) before constructing it.
        data: `LabelledImages` to train on; the recipe's validation split is
            taken from it.
        recipe: `Recipe`.
        output: Folder of the run, see `training.run_folder`: a new or an
            empty one, or that of the run to resume.
        seed: Seed of split, order and augmentation.
        resume: Whether to go on with an interrupted run in `output`, on the
            same images. If the run has finished, its weights are loaded and
            its record is returned.
        description: JSON-like facts about the data for the record.
        initial_weights: JSON-like facts for the record about the weights that
            the model comes with, see `weights.lineage`.
        tensorboard: Whether to write TensorBoard logs (needs TensorFlow).
        steps_per_execution: Steps between two returns to Python, worth
            raising on an accelerator.
        freeze_until: Name of the first stage, block or layer to train, see
            `freeze`; None leaves the model as it comes.
        callbacks: Further callbacks of Keras. What they remember is not in
            the checkpoints, so a resumed run starts them afresh. One that acts
            at the end of every step makes each step wait for the device,
            unless it has `async_safe = True`.
        class_weight: Weights of the classes in the loss, by name or number;
            a class that is left out weighs 1.
        checkpoint_steps: Steps between two checkpoints amid an epoch; 0 keeps
            finished epochs alone. At SIGTERM the run is kept after the step,
            on all hosts after the same one, and `KeyboardInterrupt` raised.
        peak_tflops: What one device can do at most, for the share of it that
            the run reaches; None knows some devices by their names.
        profile_steps: Steps that the backend traces into `profile/`, from the
            third on; 0 for none.
        teacher: A `Teacher` that the model learns from, besides the labels.

    Returns:
        The record of the run, a JSON-like dict.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite.
        ValueError: If data or recipe do not fit the model, or a resumed run
            has other settings or other images.
        FileExistsError: If `output` holds a run and `resume` is False, or
            files that are no run.
        RuntimeError: If another run is at work in `output`.
        OSError: If a file cannot be written; earlier files stay intact.
        ModuleNotFoundError: If matplotlib, or TensorFlow for TensorBoard, is
            not installed.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> from keras_pnnh.applications import PlainResNet
    >>> from keras_pnnh.data import LabelledImages
    >>> from keras_pnnh.training import Recipe, train
    >>> images = np.zeros((8, 8, 8, 3), "uint8")
    >>> data = LabelledImages(images, np.arange(8) % 2, ("cat", "dog"))
    >>> model = PlainResNet(
    ...     (1,), (8,), classes=2, input_shape=(8, 8, 3),
    ...     classifier_activation=None,
    ... )
    >>> recipe = Recipe(epochs=1, batch_size=4, warmup_epochs=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = train(model, data, recipe, f"{folder}/run")
    >>> len(record["epochs"])
    1
    """
    devices.check_placement(model)
    devices.synchronize_norms(model)
    requirements.check_data(model, data)
    requirements.check_logits(model, data)
    requirements.check_installed(tensorboard)
    weights = requirements.check_class_weight(class_weight, data.class_names)
    requirements.check_count("checkpoint_steps", checkpoint_steps)
    requirements.check_count("profile_steps", profile_steps)
    if freeze_until is not None:
        freeze(model, freeze_until)
    parts = data.split(recipe.validation_split, seed)
    config = _describe(model, data, parts, recipe, seed, description)
    for key, value in (
        ("frozen_until", freeze_until),
        ("initial_weights", initial_weights),
        ("class_weight", _by_name(weights, data.class_names)),
        ("teacher", teacher and teacher.describe()),
    ):
        if value:
            config[key] = value
    hosts.require_agreement(config)
    folder = RunFolder(output)
    with contextlib.ExitStack() as stack:

        def begin():
            stack.enter_context(folder.locked())
            translate = getattr(model, "translate_config", dict)
            images = fingerprints(data.images)
            begun = folder.start(config, resume, translate, images)
            return begun, folder.is_finished()

        begun, finished = hosts.decided_by_first(begin)
        state = RunState(*begun)
        epochs = state.epochs
        folder.check_shared()
        if resume and not epochs and not state.step:
            _tell(
                f"No finished epoch in '{folder.path}': the run starts from "
                "its beginning."
            )
        if not len(parts[1].labels):
            _tell(
                "No image is held out for validation: see `validation_split`."
            )
        if finished:
            _tell(
                f"The run in '{folder.path}' is finished: nothing is left to "
                "do."
            )
            loader.load(model, folder.weights_path)
            return hosts.decided_by_first(
                lambda: _finish(folder, epochs, folder.read_record())
            )
        surroundings = {
            "versions": environment.versions(),
            "hardware": environment.hardware(),
            "devices": devices.replicas(),
        }
        more = list(callbacks)
        if profile_steps and hosts.is_first():
            profile = Profile(profile_steps, folder.path / "profile")
            stack.callback(profile.close)
            more.append(profile)
        if tensorboard and hosts.is_first():
            logs = str(folder.path / "logs")
            more.append(keras.callbacks.TensorBoard(logs))
        stack.enter_context(taught_by(teacher, model, data))
        _fit(
            model,
            parts,
            recipe,
            seed,
            folder,
            state,
            more,
            steps_per_execution,
            weights,
            checkpoint_steps,
            peak_tflops,
        )
        record = {
            **config,
            **surroundings,
            "epochs": epochs,
            "seconds": round(sum(row["seconds"] for row in epochs), 1),
        }
        size = data.images.shape[1:3]
        classifier = Classifier(data.class_names, size)

        def write():
            save_weights(model, folder.weights_path, classifier)
            save_whole(model, folder.model_path)
            curves.plot_curves(epochs, folder.curves_path, model.name)
            folder.write_record(record)
            return _finish(folder, epochs, folder.read_record())

        return hosts.decided_by_first(write)


def _finish(folder, epochs, record):
    folder.remove_checkpoints(len(epochs))
    return record


def _describe(model, data, parts, recipe, seed, description):
    """What decides the result of a run."""
    return {
        "model": {
            "class_name": type(model).__name__,
            "parameters": model.count_params(),
            **model.get_config(),
        },
        "recipe": dataclasses.asdict(recipe),
        "seed": seed,
        "data": {
            **(description or {}),
            "training_images": len(parts[0].labels),
            "validation_images": len(parts[1].labels),
            "classes": list(data.class_names),
            "digest": identify(data),
        },
    }


def _by_name(weights, names):
    return {names[number]: weight for number, weight in (weights or {}).items()}


def _tell(text):
    if hosts.is_first():
        print(text, file=sys.stderr)


def _fit(
    model,
    parts,
    recipe,
    seed,
    folder,
    state,
    callbacks,
    steps_per_execution,
    class_weight,
    checkpoint_steps,
    peak_tflops,
):
    """The epochs that are left; those of `state` grow by what they measured."""
    training, validation = parts
    data_format = data_format_of(model)
    batches = TrainingBatches(training, recipe, seed, data_format)
    if batches.left_out:
        _tell(
            f"Each epoch leaves out {batches.left_out} of "
            f"{len(training.labels)} training images, which fill no batch; "
            "the next one leaves out others."
        )
    requirements.check_steps(state, batches.steps)
    _compile(model, recipe, batches.steps, steps_per_execution)
    stop = StopOnSignal()
    keeper = RunKeeper(model, batches, folder, state, checkpoint_steps, stop)
    if state.epochs or state.step:
        keeper.metrics = folder.load_checkpoint(model, state)
    progress = TrainingProgress(
        recipe.epochs,
        batches.steps,
        batches.batch_size,
        len(state.epochs),
        state.step,
    )
    held_out = make_validation(validation, data_format)
    # Last, those after which an epoch is kept, and may be the last.
    callbacks = [
        LossOfLabelled(1.0 if held_out is None else held_out.padding),
        RequireFiniteLoss(batches),
        Meter(batches, peak_tflops),
        *([progress] if hosts.is_first() else []),
        *callbacks,
        *_average(recipe),
        keeper,
        stop,
    ]
    # An epoch that is gone on with has fewer steps, so a `fit` of its own.
    ends = [recipe.epochs]
    if state.step:
        ends = [len(state.epochs) + 1, recipe.epochs]
    step = state.step
    model.stop_training = False
    try:
        for end in ends:
            if model.stop_training or end == len(state.epochs):
                break
            if recipe.average and keeper.fitted:
                # The end of a `fit` puts the average into the model.
                folder.load_checkpoint(model, RunState(state.epochs))
            batches.first_step = step
            step = 0
            model.fit(
                batches,
                epochs=end,
                initial_epoch=len(state.epochs),
                validation_data=held_out,
                callbacks=callbacks,
                class_weight=class_weight,
                # The batches shuffle themselves; Keras would reorder them by
                # a global generator that a resumed run finds in another
                # state.
                shuffle=False,
                verbose=0,
            )
            keeper.fitted = True
        if not keeper.fitted:
            model.optimizer.finalize_variable_values(model.trainable_variables)
    except BaseException as error:
        _end_input_thread(error)
        raise
    finally:
        stop.close()
        progress.close()


def _average(recipe):
    """What validates the average of the weights, if there is one."""
    if not recipe.average:
        return []
    return [keras.callbacks.SwapEMAWeights()]


def _compile(model, recipe, steps_per_epoch, steps_per_execution):
    model.compile(
        make_optimizer(recipe, steps_per_epoch, model),
        make_loss(recipe),
        metrics=[LabelledAccuracy()],
        steps_per_execution=steps_per_execution,
    )
    # Under mixed_float16, Keras puts the optimizer into one that scales the
    # loss; a checkpoint holds that one's variables, too.
    model.optimizer.build(model.trainable_variables)


def _end_input_thread(error):
    """Free TensorFlow's iterator over the batches, which `error` holds.

    Its thread calls Python; if it is still at work when the interpreter
    ends, the two wait for each other for ever.
    """
    if keras.backend.backend() == "tensorflow":
        traceback.clear_frames(error.__traceback__)
        gc.collect()
