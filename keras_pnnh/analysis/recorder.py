"""Measures of every layer, recorded while a network trains."""

import csv
import sys
import time
from pathlib import Path
from typing import Any

import keras

from keras_pnnh.analysis.signal import LayerSignal, measure_signal

IDENTITY = ("name", "depth", "trunk", "nonlinear", "channels")
MEASURES = tuple(
    field for field in LayerSignal._fields if field not in IDENTITY
)


class RecordSignal(keras.callbacks.Callback):
    """Measures fixed images every `every` steps of `fit`.

    The images pass as in training, so the numbers are of the network that is
    trained, and nothing in it changes. Time spent is bounded: a recording
    that would bring it above `overhead` of the run so far is put off to the
    next step that is due. The first and the last step are always recorded.
    At the end the time is printed.

    Args:
        images: Array `(n, ...)` to measure on; 64 to 128 are enough.
        folder: Where `signal.csv` (a row for each step and layer) and the
            TensorBoard events go; made if absent.
        labels: Integer classes for the gradient of the cross-entropy, or
            None, see `measure_signal`.
        every: Steps between two recordings.
        overhead: Largest share of the run's time, in (0, 1].
        tensorboard: Whether to write events, too; needs tensorboard.
        stream: Where the overhead is printed; standard error by default.
        **options: Further arguments of `measure_signal`, e.g. `layers` or
            `gradients=False`, which halves the time.

    Raises:
        ValueError: If `every` or `overhead` is out of range.
        ModuleNotFoundError: If tensorboard is asked for and not installed.

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> import numpy as np
    >>> from keras_pnnh.analysis import RecordSignal
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = RecordSignal(images, folder, every=10)
    ...     history = model.fit(
    ...         images, np.arange(8), callbacks=[record], verbose=0
    ...     )
    ...     table = pathlib.Path(folder, "signal.csv").read_text()
    >>> table.splitlines()[1].split(",")[:3]  # step, layer, depth
    ['0', 'stem_relu', '1']
    """

    def __init__(
        self,
        images: Any,
        folder: Any,
        labels: Any = None,
        *,
        every: int = 100,
        overhead: float = 0.1,
        tensorboard: bool = False,
        stream: Any = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if every < 1 or not 0 < overhead <= 1:
            raise ValueError(
                "`every` counts steps, from 1, and `overhead` is a share of "
                f"the time, in (0, 1]. Received: every={every}, "
                f"overhead={overhead}."
            )
        self.images = images
        self.labels = labels
        self.folder: Path = Path(folder)
        self.every = every
        self.overhead = overhead
        self.stream = stream
        self.options: dict[str, Any] = {"training": True, **options}
        self._writer = _event_writer(self.folder) if tensorboard else None

    def on_train_begin(self, logs: Any = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path: Path = self.folder / "signal.csv"
        with open(self.path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(("step", *LayerSignal._fields))
        self.step: int = 0
        self.recordings: int = 0
        self.seconds: float = 0.0
        self._recorded, self._begin = None, time.monotonic()
        self._record()

    def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
        self.step += 1
        if self.step % self.every == 0 and self._affordable():
            self._record()

    def on_train_end(self, logs: Any = None) -> None:
        if self._recorded != self.step:
            self._record()
        total = time.monotonic() - self._begin
        print(
            f"measures of {self.recordings} steps in {self.path}: "
            f"{self.seconds:.1f} s of {total:.1f} s, "
            f"{100 * self.seconds / total:.1f} %",
            file=self.stream or sys.stderr,
        )
        if self._writer is not None:
            self._writer.close()

    def _affordable(self):
        """Whether another recording keeps to the share of the time."""
        total = time.monotonic() - self._begin
        one = self.seconds / max(self.recordings, 1)
        return self.seconds + one <= self.overhead * (total + one)

    def _record(self):
        begin = time.monotonic()
        # In `fit`, JAX keeps the weights outside of the model.
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        report = measure_signal(
            self.model, self.images, self.labels, **self.options
        )
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerows((self.step, *layer) for layer in report.layers)
        if self._writer is not None:
            self._write_events(report)
        self.recordings += 1
        self._recorded = self.step
        self.seconds += time.monotonic() - begin

    def _write_events(self, report):
        for layer in report.layers:
            for field in MEASURES:
                value = getattr(layer, field)
                if value is not None:
                    tag = f"{field}/{layer.name}"
                    self._writer.add_scalar(tag, value, self.step)


def _event_writer(folder):
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        raise ModuleNotFoundError(
            "Events for TensorBoard need tensorboard, which is not installed. "
            "Run `pip install 'keras-pnnh[train]'`, or leave the CSV only."
        ) from error
    return Writer(str(folder))
