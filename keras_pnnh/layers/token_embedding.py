"""Patches to tokens that know where they are."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh.layers._checks import check_flag, resolve_data_format
from keras_pnnh.layers._initial_values import kernel_values
from keras_pnnh.layers.plain_layer import PlainLayer


@keras.saving.register_keras_serializable(package="keras_pnnh")
class TokenEmbedding(PlainLayer):
    """A map of patches to a row of tokens, with positions added.

    Dosovitskiy et al. 2020 (arXiv 2010.11929, section 3.1): patches in rows
    from the top left, a learned token for the class in front, a learned
    position for each. The positions keep the form of the map, so weights made
    for another image size are resampled when they are loaded.

    Args:
        class_token: Whether to put the token of the class in front.
        data_format: As in `keras.layers.Conv2D`.

    Input shape: `(batch, rows, columns, channels)`, or channels first; rows
    and columns must be known.

    Output shape: `(batch, rows * columns, channels)`, one token more with
    `class_token`.

    Raises:
        ValueError: If the size of the map is not known.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import TokenEmbedding
    >>> TokenEmbedding()(keras.Input((3, 3, 8))).shape
    (None, 10, 8)
    """

    not_decayed = ("token", "token_position", "positions")

    def __init__(
        self,
        class_token: bool = True,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_flag("class_token", class_token)
        self.class_token = class_token
        self.data_format = resolve_data_format(data_format)
        self.token = self.token_position = None

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        _, rows, columns, channels = self._channels_last(inputs_shape)
        if rows is None or columns is None:
            raise ValueError(
                "Every patch has a position of its own, so the size of the map "
                "must be known. Received: inputs of shape "
                f"{tuple(inputs_shape)}."
            )
        if self.class_token:
            self.token = self._add_vectors("token", (1, channels))
            self.token_position = self._add_vectors(
                "token_position", (1, channels)
            )
        self.positions = self._add_vectors(
            "positions", (rows, columns, channels)
        )

    def _add_vectors(self, name, shape):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=kernel_values(
                keras.initializers.TruncatedNormal(stddev=0.02)
            ),
        )

    def _channels_last(self, shape):
        if self.data_format == "channels_last":
            return tuple(shape)
        batch, channels, rows, columns = shape
        return batch, rows, columns, channels

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first":
            inputs = ops.transpose(inputs, (0, 2, 3, 1))
        rows, columns, channels = self.positions.shape
        tokens = inputs + self.positions
        tokens = ops.reshape(tokens, (-1, rows * columns, channels))
        if self.token is None or self.token_position is None:
            return tokens
        first = ops.expand_dims(self.token + self.token_position, 0)
        # Not `ops.repeat`, which on torch fixes the batch when exported.
        first = ops.broadcast_to(first, (ops.shape(tokens)[0], 1, channels))
        return ops.concatenate([first, tokens], axis=1)

    def compute_output_shape(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        batch, rows, columns, channels = self._channels_last(inputs_shape)
        return batch, rows * columns + bool(self.class_token), channels

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> Any:
        return 0

    @property
    def resampled_shape(self) -> Any:
        """Shape of the variable that may have another size in a file."""
        return tuple(self.positions.shape)

    def resampled(self, positions: Any) -> Any:
        """Positions `(rows, columns, channels)` for the size of this layer."""
        if positions.shape[:2] == self.resampled_shape[:2]:
            return positions
        return resample_positions(positions, self.resampled_shape[:2])

    def load_own_variables(self, store: Any) -> Any:
        """Load, and resample the positions of another size of the map."""
        key = str(len(store.keys()) - 1)
        positions = np.asarray(store[key])
        if positions.shape != self.resampled_shape:
            positions = self.resampled(positions)
            others = {name: store[name] for name in store.keys()}
            store = {**others, key: positions}
        super().load_own_variables(store)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_token": self.class_token,
            "data_format": self.data_format,
        }


def resample_positions(positions: Any, size: Any) -> Any:
    """Positions for a map of another size.

    Bicubic, with antialiasing where the map becomes smaller, as is usual for
    these embeddings.

    Args:
        positions: Array `(rows, columns, channels)`.
        size: `(rows, columns)` of the result.

    Returns:
        Array `(*size, channels)`.
    """
    resized = ops.image.resize(
        ops.convert_to_tensor(positions, "float32"),
        size,
        interpolation="bicubic",
        antialias=True,
        data_format="channels_last",
    )
    return ops.convert_to_numpy(resized)
