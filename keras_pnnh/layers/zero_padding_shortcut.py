"""The parameter-free shortcut of the residual twin."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh.layers._checks import (
    check_positive_integers,
    resolve_data_format,
)
from keras_pnnh.layers.plain_layer import PlainLayer


@keras.saving.register_keras_serializable(package="keras_pnnh")
class ZeroPaddingShortcut(PlainLayer):
    """Shortcut that subsamples and adds channels of zeros.

    Option A of He et al. 2015 (arXiv 1512.03385, section 3.3): output pixel
    `i` is input pixel `i * strides`; new channels are zero.

    Args:
        filters: Channels of the output.
        strides: Step of the subsampling, the same on both axes.
        data_format: As in `keras.layers.Conv2D`.

    Input shape: `(batch, height, width, channels)`, or channels first.

    Output shape: `(batch, ceil(height / strides), ceil(width / strides),
    filters)`, or channels first.

    Raises:
        ValueError: If the input has more channels than `filters`.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import ZeroPaddingShortcut
    >>> ZeroPaddingShortcut(8, 2)(keras.Input((8, 8, 4))).shape
    (None, 4, 4, 8)
    """

    def __init__(
        self,
        filters: int,
        strides: int = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(filters=filters, strides=strides)
        self.filters = filters
        self.strides = strides
        self.data_format = resolve_data_format(data_format)
        self._channel_axis = 1 if self.data_format == "channels_first" else 3

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        channels = inputs_shape[self._channel_axis]
        if channels > self.filters:
            raise ValueError(
                "A zero-padding shortcut can only add channels. Received: "
                f"inputs with {channels} channels, filters={self.filters}."
            )

    def call(self, inputs: Any) -> Any:
        spare = self.filters - inputs.shape[self._channel_axis]
        paddings = [(0, 0)] * 4
        paddings[self._channel_axis] = (0, spare)
        step = slice(None, None, self.strides)
        if self.data_format == "channels_first":
            subsampled = inputs[:, :, step, step]
        else:
            subsampled = inputs[:, step, step, :]
        return ops.pad(subsampled, paddings)

    def compute_output_shape(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        shape = [
            size if size is None else -(-size // self.strides)
            for size in inputs_shape
        ]
        shape[0] = inputs_shape[0]
        shape[self._channel_axis] = self.filters
        return tuple(shape)

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> Any:
        return 0

    def draw_outputs(self, inputs: Any, generator: Any) -> Any:
        if inputs is None:
            return None
        return np.pad(inputs, ((0, self.filters - len(inputs)), (0, 0)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "data_format": self.data_format,
        }
