"""What a run does at the ends of an epoch."""

import time

import keras


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
            name: round(float(logs[name]), 6) for name in sorted(logs.keys())
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
        self.folder.save_checkpoint(self.model, self.epochs)
