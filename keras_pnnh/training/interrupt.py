"""Ctrl-C that no backend can lose."""

import signal
import threading

import keras


class StopOnInterrupt(keras.callbacks.Callback):
    """Raises `KeyboardInterrupt` at the end of the step it was asked for in.

    Python raises it wherever the code happens to be. While NumPy converts a JAX
    array it is discarded there, and training would go on. A second Ctrl-C does
    not wait for the end of the step.
    """

    def __init__(self):
        super().__init__()
        self.asked = False
        self._before = None

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

    def on_train_batch_end(self, batch, logs=None):
        if self.asked:
            raise KeyboardInterrupt

    def on_test_batch_end(self, batch, logs=None):
        self.on_train_batch_end(batch)

    def close(self):
        """Give the signal back to whoever had it before."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
