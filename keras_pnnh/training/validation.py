"""Validation in batches that any number of devices divide."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh.data import LabelledImages
from keras_pnnh.data_format import as_data_format
from keras_pnnh.training import devices, hosts
from keras_pnnh.training.batches import one_hot

LARGEST = 500


class ValidationBatches(keras.utils.PyDataset):
    """Images in order, in equal batches, filled up with images of weight 0.

    What fills up has no label: the row of its classes is all zeros.

    Args:
        data: `LabelledImages`.
        data_format: Data format of the model.
        replicas: Devices that divide a batch.
        hosts: Processes that divide a batch; each gets one part of it.
        host: Number of this process.
    """

    def __init__(
        self,
        data: LabelledImages,
        data_format: str = "channels_last",
        replicas: int = 1,
        hosts: int = 1,
        host: int = 0,
    ) -> None:
        super().__init__()
        self.data = data
        self.data_format = data_format
        count = len(data.labels)
        self.steps: int = -(-count // LARGEST)
        share = -(-count // (self.steps * replicas))
        self.batch_size: int = share * replicas
        self.part: Any = self.batch_size // hosts
        self.first: Any = host * self.part

    def __len__(self) -> int:
        return self.steps

    @property
    def padding(self) -> float:
        """Images that are fed, those that fill up included, per image.

        Keras divides the sum of the losses by this number, too.
        """
        return self.steps * self.batch_size / len(self.data.labels)

    def __getitem__(self, step: Any) -> Any:
        start = step * self.batch_size + self.first
        images = self.data.images[start : start + self.part]
        labels = one_hot(
            self.data.labels[start : start + self.part], self.data.class_names
        )
        missing = self.part - len(labels)
        weights = np.ones(len(labels), "float32")
        if missing:
            images = _fill(images, missing)
            labels = _fill(labels, missing)
            weights = _fill(weights, missing)
        return as_data_format(images, self.data_format), labels, weights


def _fill(array, missing):
    return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))


@keras.saving.register_keras_serializable(package="keras_pnnh")
class LabelledAccuracy(keras.metrics.CategoricalAccuracy):
    """Share of right answers among the images that have a label.

    Weights of the classes, which belong to the loss, do not enter.
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        labelled = ops.any(ops.not_equal(y_true, 0), axis=-1)
        return super().update_state(
            y_true, y_pred, sample_weight=ops.cast(labelled, self.dtype)
        )


class LossOfLabelled(keras.callbacks.Callback):
    """Makes `val_loss` the mean over the images that have a label.

    It must come before all that read it.
    """

    def __init__(self, padding: float) -> None:
        super().__init__()
        self.padding = padding

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        if "val_loss" in (logs or {}):
            logs["val_loss"] = float(logs["val_loss"]) * self.padding


def make_validation(
    data: LabelledImages, data_format: str
) -> ValidationBatches | None:
    """The batches for the devices of the run; None without images."""
    if not len(data.labels):
        return None
    return ValidationBatches(
        data,
        data_format,
        devices.replicas(),
        hosts.count(),
        hosts.number(),
    )
