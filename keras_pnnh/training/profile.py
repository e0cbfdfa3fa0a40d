"""The backend's own trace of some steps."""

import contextlib
from pathlib import Path
from typing import Any

import keras

# Steps before it: they compile.
SKIPPED = 2


class Profile(keras.callbacks.Callback):
    """Traces some steps, once they are compiled.

    JAX and TensorFlow write for TensorBoard's profiler or Perfetto, torch a
    `trace.json` for Perfetto or `chrome://tracing`.

    Args:
        steps: How many.
        folder: Where to write.
    """

    def __init__(self, steps: int, folder: Path) -> None:
        super().__init__()
        self.steps = steps
        self.folder = folder
        self.seen: int = 0
        self._trace = contextlib.ExitStack()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.seen == SKIPPED:
            self._trace.enter_context(_trace(self.folder))
        elif self.seen == SKIPPED + self.steps:
            self.close()
        self.seen += 1

    def close(self) -> None:
        """End the trace where it has begun, and write it."""
        with contextlib.suppress(AttributeError):
            # The last step may still be at work on the device.
            keras.ops.convert_to_numpy(self.model.optimizer.iterations)
        self._trace.close()


@contextlib.contextmanager
def _trace(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        with jax.profiler.trace(str(folder)):
            yield
    elif backend == "tensorflow":
        import tensorflow as tf

        with tf.profiler.experimental.Profile(str(folder)):
            yield
    else:
        import torch

        with torch.profiler.profile() as profile:
            yield
        profile.export_chrome_trace(str(folder / "trace.json"))
