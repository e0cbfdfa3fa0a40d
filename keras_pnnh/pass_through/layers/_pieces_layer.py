"""Layers that are made of pieces, one for each range of output channels."""

import inspect
from typing import Any

from keras import ops

from keras_pnnh.pass_through.layers._pass_through_layer import (
    PassThroughLayer,
    check_range,
)


class PiecesLayer(PassThroughLayer):
    """A layer whose pieces stand side by side in its output.

    A subclass says what a piece is, `_checked_piece`, whether it passes its
    channels on, `_passes`, and what it computes otherwise, `_run`.

    Args:
        pieces: List of dictionaries, one for each range of output channels,
            in order. Each has `inputs`, `[start, stop]`, the channels that it
            reads; channels that several pieces read are copied.
    """

    def __init__(self, pieces: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(pieces, **kwargs)
        keys = list(inspect.signature(self._checked_piece).parameters)
        for piece in pieces:
            if not {"inputs"} <= set(piece) <= set(keys):
                raise ValueError(
                    "A piece is a dictionary with some of the keys "
                    f"{keys}, at least 'inputs'. Received: {piece!r}."
                )
            check_range("inputs", piece["inputs"])
        self.pieces = [self._checked_piece(**piece) for piece in pieces]

    @property
    def pass_through_channels(self) -> int:
        """Number of output channels that pass."""
        return sum(map(self._width, filter(self._passes, self.pieces)))

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        needed = max(self._last(piece) for piece in self.pieces)
        self._check_inputs(inputs_shape, needed)

    def call(self, inputs: Any) -> Any:
        outputs = []
        for index, piece in enumerate(self.pieces):
            x = self._channels(inputs, *piece["inputs"])
            if not self._passes(piece):
                x = self._run(x, piece, index, inputs)
            outputs.append(x)
        return ops.concatenate(outputs, axis=self._channel_axis)

    def compute_output_shape(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        shape = list(inputs_shape)
        shape[self._channel_axis] = sum(map(self._width, self.pieces))
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pieces": self.pieces}

    @staticmethod
    def _checked_piece(inputs):
        """The dictionary of a piece, complete and checked."""
        raise NotImplementedError

    @staticmethod
    def _passes(piece):
        """Whether the channels of a piece pass."""
        raise NotImplementedError

    def _run(self, x, piece, index, inputs):
        """What a piece makes of its channels `x` of the inputs."""
        raise NotImplementedError

    @staticmethod
    def _width(piece):
        """Channels that a piece leaves."""
        return piece["inputs"][1] - piece["inputs"][0]

    @staticmethod
    def _last(piece):
        """End of the channels that a piece reads."""
        return piece["inputs"][1]
