"""Stop when the loss is no number any more."""

import math

import keras


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
            raise FloatingPointError(
                f"The training loss must stay finite. Received: loss={loss} "
                f"at epoch {self.epoch + 1}, step {batch + 1}. Lower the "
                "learning rate or lengthen the warm-up."
            )
