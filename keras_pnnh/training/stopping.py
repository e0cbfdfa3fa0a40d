"""What asks a run to end, between two steps."""

import signal
import threading
from typing import Any

import keras

from keras_pnnh.training import hosts


class StopOnSignal(keras.callbacks.Callback):
    """Raises `KeyboardInterrupt` at the end of the step it was asked for in.

    Python raises it wherever the code happens to be. While NumPy converts a JAX
    array it is discarded there, and training would go on. A second Ctrl-C does
    not wait for the end of the step.

    SIGTERM, with which a cluster announces the end, is noted as `terminated`,
    for whoever saves the run. On several hosts JAX takes note of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: bool = False
        self.terminated: bool = False
        self._before: dict[int, Any] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        # Only the main thread may set handlers.
        if threading.current_thread() is not threading.main_thread():
            return
        # A job in the background ignores the signal and shall go on doing so.
        if callable(signal.getsignal(signal.SIGINT)):
            self._take(signal.SIGINT, self._ask)
        default = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        if default and hosts.count() == 1:
            self._take(signal.SIGTERM, self._terminate)

    def _take(self, number, handler):
        if number not in self._before:
            self._before[number] = signal.signal(number, handler)

    def _ask(self, number, frame):
        before = self._before.get(number)
        if self.asked and callable(before):
            before(number, frame)
        self.asked = True

    def _terminate(self, number, frame):
        self.terminated = True

    # The end of one step is the beginning of the next, or of what follows.

    def on_train_batch_begin(self, batch: Any, logs: Any = None) -> None:
        if self.asked:
            raise KeyboardInterrupt

    def on_test_batch_begin(self, batch: Any, logs: Any = None) -> None:
        self.on_train_batch_begin(batch)

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        self.on_train_batch_begin(0)

    def close(self) -> None:
        """Give the signals back to whoever had them before."""
        while self._before:
            signal.signal(*self._before.popitem())
