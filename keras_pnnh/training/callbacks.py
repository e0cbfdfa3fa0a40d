"""What a run does between its steps and its epochs.

Keras calls what comes at the end of a step in a thread of its own, so that the
next step need not wait for the device, if every callback allows it by
`async_safe`. What must stop the run at once comes at the beginning of a step.
"""

import math
import signal
import threading
import time
from typing import Any

import keras
import numpy as np

from keras_pnnh.training import hosts


class RequireFiniteLoss(keras.callbacks.Callback):
    """Raises when the loss is NaN or infinite, some steps later at most.

    Keras's `TerminateOnNaN` ends the run as if it had succeeded; this one
    makes it fail, with the last checkpoint still in place.
    """

    async_safe = True

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            self._fail("training loss", f"loss={loss}", f", step {batch + 1}")

    def on_epoch_end(self, epoch, logs=None):
        # The last step is seen in no training loss, only in what it left.
        loss = float(logs.get("val_loss", 0.0))
        if not math.isfinite(loss):
            self._fail("validation loss", f"loss={loss}")
        for variable in self.model.trainable_variables:
            values = keras.ops.convert_to_numpy(variable)
            if not np.isfinite(values.astype("float32")).all():
                self._fail("weights", f"non-finite values in {variable.path}")

    def _fail(self, what, received, step=""):
        raise FloatingPointError(
            f"The {what} must stay finite. Received: {received} "
            f"at epoch {self.epoch + 1}{step}. Lower the learning rate or "
            "lengthen the warm-up, in a new run."
        )


class StopOnInterrupt(keras.callbacks.Callback):
    """Raises `KeyboardInterrupt` at the end of the step it was asked for in.

    Python raises it wherever the code happens to be. While NumPy converts a JAX
    array it is discarded there, and training would go on. A second Ctrl-C does
    not wait for the end of the step.
    """

    def __init__(self):
        super().__init__()
        self.asked = False
        self._before: Any = None

    def on_train_begin(self, logs=None):
        handler = signal.getsignal(signal.SIGINT)
        # Only the main thread may set handlers; a job in the background
        # ignores the signal and shall go on doing so.
        main = threading.current_thread() is threading.main_thread()
        if main and callable(handler):
            self._before = handler
            signal.signal(signal.SIGINT, self._ask)

    def _ask(self, number, frame):
        if self.asked and callable(self._before):
            self._before(number, frame)
        self.asked = True

    # The end of one step is the beginning of the next, or of what follows.

    def on_train_batch_begin(self, batch, logs=None):
        if self.asked:
            raise KeyboardInterrupt

    def on_test_batch_begin(self, batch, logs=None):
        self.on_train_batch_begin(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_begin(0)

    def close(self) -> None:
        """Give the signal back to whoever had it before."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None


class EpochKeeper(keras.callbacks.Callback):
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
        metrics = {
            name: round(float(value), 6)
            for name, value in sorted((logs or {}).items())
        }
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
        model = self.model
        hosts.decided_by_first(
            lambda: self.folder.save_checkpoint(model, self.epochs)
        )
