"""Keeps a run: every finished epoch, and steps in between."""

import time
from typing import Any

import keras

from keras_pnnh.training import hosts
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.checkpoint import set_metrics
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.training.run_state import RunState
from keras_pnnh.training.stopping import StopOnSignal


class RunStopped(KeyboardInterrupt):
    """The run was asked to end (SIGTERM), and has kept its state."""

    exit_status = 143  # as a shell has it


class RunKeeper(keras.callbacks.Callback):
    """Tells the batches which epoch it is; saves epochs and steps.

    What it does between two steps is done at the beginning of the second:
    then the first one is complete on every backend.

    Args:
        model: The model, compiled.
        batches: `TrainingBatches`.
        folder: `RunFolder`.
        state: `RunState` to go on from; `epochs` grows.
        every: Steps between two checkpoints, 0 for none but those of the
            epochs.
        stop: Knows whether the run was asked to end.
    """

    def __init__(
        self,
        model: keras.Model,
        batches: TrainingBatches,
        folder: RunFolder,
        state: RunState,
        every: int,
        stop: StopOnSignal,
    ) -> None:
        super().__init__()
        self.set_model(model)
        self.batches = batches
        self.folder = folder
        self.epochs = state.epochs
        self.every = every
        self.stop = stop
        self.first = state  # for the first epoch alone
        self.metrics: list[Any] = []
        self.fitted = False

    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> None:
        self.batches.epoch = epoch
        amid = epoch == len(self.first.epochs) and self.first.step
        self.start = time.monotonic() - (self.first.seconds if amid else 0.0)
        self.saved = self.batches.first_step
        if amid:
            # `fit` has set them back.
            set_metrics(self.model, self.metrics)
            self.first = self.first._replace(step=0)

    def on_train_batch_begin(self, batch: Any, logs: Any = None) -> None:
        step = self.batches.first_step + batch
        end = self._shall_end(step)
        due = self.every and step - self.saved >= self.every
        # A finished epoch is kept already.
        if (end and step) or due:
            self._save(step)
        if end:
            raise RunStopped

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        metrics = {
            name: round(float(value), 6)
            for name, value in sorted((logs or {}).items())
        }
        rate = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        self.epochs.append(
            {
                "epoch": epoch + 1,
                **metrics,
                "learning_rate": rate,
                "seconds": self._seconds(),
            }
        )
        self._save(0)
        if self.stop.terminated and hosts.count() == 1:
            raise RunStopped

    def _shall_end(self, step):
        if hosts.count() == 1:
            return self.stop.terminated
        from jax.experimental import multihost_utils

        # The same step on all hosts, whichever of them got the signal.
        done = self.batches.epoch * self.batches.steps + step
        return multihost_utils.reached_preemption_sync_point(done)

    def _save(self, step):
        model = self.model  # this brings its variables up to date
        seconds = self._seconds() if step else 0.0
        state = RunState(self.epochs, step, self.batches.steps, seconds)
        hosts.decided_by_first(
            lambda: self.folder.save_checkpoint(model, state)
        )
        self.saved = step

    def _seconds(self):
        return round(time.monotonic() - self.start, 2)
