"""How fast a run is, and what it waits for."""

import time
from typing import Any

import keras

from keras_pnnh import environment
from keras_pnnh.auditing import audit
from keras_pnnh.training import devices
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.layer_groups import ordered_layers
from keras_pnnh.training.peaks import peak_of

# Names of the columns; they are no metrics of the model.
RATE = "images_per_second"
INPUT = "input_share"
PEAK = "peak_share"


class Meter(keras.callbacks.Callback):
    """Adds rate and shares of time to what an epoch measured.

    `images_per_second` is that of the training steps, without validation;
    `input_share` the share of their time in which a batch was made or awaited
    (on TensorFlow the steps go on meanwhile); `peak_share` the model's
    operations, six per multiplication, as a share of what the devices can do
    at most. It must come before all that read them.

    Args:
        batches: `TrainingBatches`.
        peak_tflops: Peak of one device; None looks its name up, and leaves
            the share out where that tells nothing.
    """

    def __init__(
        self, batches: TrainingBatches, peak_tflops: float | None = None
    ) -> None:
        super().__init__()
        self.batches = batches
        self.peak_tflops = peak_tflops
        self._operations: float | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        if self._operations is not None:
            return
        peak = self.peak_tflops or find_peak(self.model)
        self._operations = 0.0
        if peak:
            macs = audit(self.model, leave_out_unknown=True).macs
            limit = 1e12 * peak * devices.replicas()
            self._operations = 6 * macs / limit

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start: Any = time.monotonic()
        self.end: Any = None
        self.waited: Any = self.batches.seconds

    def on_test_begin(self, logs: Any = None) -> None:
        self.end = self.end or time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = max((self.end or time.monotonic()) - self.start, 1e-9)
        images = len(self.batches) * self.batches.batch_size
        waited = self.batches.seconds - self.waited
        logs[RATE] = round(images / seconds, 1)
        logs[INPUT] = round(min(waited / seconds, 1.0), 3)
        if self._operations:
            logs[PEAK] = round(self._operations * images / seconds, 4)


def find_peak(model: keras.Model) -> float | None:
    """TFLOPS of one device in 16 bits, None where it is not known."""
    try:
        layers = ordered_layers(model)
    except ValueError:  # it has no graph
        return None
    kinds = {layer.compute_dtype for layer in layers}
    if not kinds & {"float16", "bfloat16"}:
        return None
    names = environment.hardware()["accelerators"]
    return next(filter(None, map(peak_of, names)), None)


def in_words(logs: dict[str, float]) -> str:
    """`"120 images/s, input 12 %, 38 % of the peak"`."""
    text = f"{logs[RATE]:.0f} images/s, input {100 * logs[INPUT]:.0f} %"
    if PEAK in logs:
        text += f", {100 * logs[PEAK]:.0f} % of the peak"
    return text
