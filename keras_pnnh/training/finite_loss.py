"""Stop when the loss is no number any more."""

import math

import keras
import numpy as np


class RequireFiniteLoss(keras.callbacks.Callback):
    """Raises at the first step whose loss is NaN or infinite.

    Keras's `TerminateOnNaN` ends the run as if it had succeeded; this one
    makes it fail, with the last checkpoint still in place.
    """

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
