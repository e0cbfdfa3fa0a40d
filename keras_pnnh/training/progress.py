"""Progress of a training run: a bar with rate and remaining time."""

import datetime
import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from keras_pnnh.training import meter

# Seconds between two lines within an epoch, where there is no terminal.
PAUSE = 60.0


class TrainingProgress(keras.callbacks.Callback):
    """One bar over all steps of the run, and one line per finished epoch.

    Where there is no terminal to draw a bar on, a long epoch says once a
    minute how far it is.

    Args:
        total_epochs: Epochs of the whole run.
        steps_per_epoch: Steps of an epoch.
        batch_size: Images per step, for the rate.
        first_epoch: Epochs that were finished before.
        first_step: Steps of the next one that were.
        console: Where to write; standard error by default.
    """

    async_safe = True  # see `training.callbacks`

    def __init__(
        self,
        total_epochs: int,
        steps_per_epoch: int,
        batch_size: int,
        first_epoch: int = 0,
        first_step: int = 0,
        console: Console | None = None,
    ) -> None:
        super().__init__()
        self.total_epochs = total_epochs
        self.steps_per_epoch = steps_per_epoch
        self.batch_size = batch_size
        self.skipped = first_step
        self.steps_before = first_epoch * steps_per_epoch + first_step
        self.task: TaskID | None = None
        self.console = console or Console(stderr=True)
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} images/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def on_train_begin(self, logs: Any = None) -> None:
        # An epoch that is gone on with has a `fit` of its own.
        if self.task is None:
            self.task = self.progress.add_task(
                "train",
                total=self.total_epochs * self.steps_per_epoch,
                completed=self.steps_before,
                epoch=0,
                epochs=self.total_epochs,
                rate=0.0,
                loss="",
            )
        self.progress.start()

    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> None:
        self.epoch = epoch + 1
        self.epoch_start = self.last_line = time.monotonic()
        self.progress.update(self.task, epoch=epoch + 1)

    def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
        now = time.monotonic()
        seconds = now - self.epoch_start
        rate = (batch + 1) * self.batch_size / max(seconds, 1e-9)
        loss = f"loss {logs['loss']:.3f}"
        self.progress.update(
            self.task,
            completed=self.steps_before + batch + 1,
            rate=rate,
            loss=loss,
        )
        if not self.console.is_terminal and now - self.last_line >= PAUSE:
            self.last_line = now
            self.console.print(
                f"epoch {self.epoch}/{self.total_epochs}, "
                f"step {self.skipped + batch + 1}/"
                f"{self.steps_per_epoch}  {loss}  {rate:.0f} images/s",
                highlight=False,
                soft_wrap=True,
            )

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        steps = self.steps_per_epoch - self.skipped
        self.steps_before += steps
        self.skipped = 0
        seconds = time.monotonic() - self.epoch_start
        rate = steps * self.batch_size / max(seconds, 1e-9)
        whole = seconds * self.steps_per_epoch / steps
        left = round(whole * (self.total_epochs - epoch - 1))
        speed = f"{rate:.0f} images/s"
        if meter.RATE in logs:
            speed = meter.in_words(logs)
        metrics = "  ".join(
            f"{name} {value:.4f}"
            for name, value in sorted(logs.items())
            if name not in (meter.RATE, meter.INPUT, meter.PEAK)
        )
        self.console.print(
            f"epoch {epoch + 1}/{self.total_epochs}  {metrics}  "
            f"{speed}, {seconds:.0f} s, about "
            f"{datetime.timedelta(seconds=left)} left",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back, also after an error."""
        self.progress.stop()
