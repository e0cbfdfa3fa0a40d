"""What a run does between its steps and its epochs.

Keras calls what comes at the end of a step in a thread of its own, so that the
next step need not wait for the device, if every callback allows it by
`async_safe`. What must stop the run at once comes at the beginning of a step.
"""

import math
from typing import Any

import keras
import numpy as np


class RequireFiniteLoss(keras.callbacks.Callback):
    """Raises when the loss is NaN or infinite, some steps later at most.

    Keras's `TerminateOnNaN` ends the run as if it had succeeded; this one
    makes it fail, with the last checkpoint still in place.

    Args:
        batches: `TrainingBatches`, which know where an epoch was gone on with.
    """

    async_safe = True

    def __init__(self, batches: Any = None) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            step = batch + 1 + getattr(self.batches, "first_step", 0)
            self._fail("training loss", f"loss={loss}", f", step {step}")

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
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
