"""A non-linearity on some channels, while others pass through."""

from typing import Any

import keras

from keras_pnnh.layers._checks import resolve_data_format
from keras_pnnh.pass_through.layers._pieces_layer import PiecesLayer

# Functions of one number, by their name in `keras.activations` (`clip` is that
# of `keras.ops`), each with the arguments it takes.
ELEMENTWISE: dict[str, Any] = {
    "celu": ("alpha",),
    "clip": ("x_min", "x_max"),
    "elu": ("alpha",),
    "exponential": (),
    "gelu": ("approximate",),
    "hard_shrink": ("threshold",),
    "hard_sigmoid": (),
    "hard_silu": (),
    "hard_tanh": (),
    "leaky_relu": ("negative_slope",),
    "log_sigmoid": (),
    "mish": (),
    "relu": ("negative_slope", "max_value", "threshold"),
    "relu6": (),
    "selu": (),
    "sigmoid": (),
    "silu": (),
    "soft_shrink": ("threshold",),
    "softplus": (),
    "softsign": (),
    "sparse_plus": (),
    "sparse_sigmoid": (),
    "squareplus": ("b",),
    "tanh": (),
    "tanh_shrink": (),
}


def _are_arguments(arguments, known):
    """Whether it is a dictionary of what an activation takes: numbers."""
    return (
        isinstance(arguments, dict)
        and set(arguments) <= set(known)
        # A ReLU without a limit has `max_value=None`.
        and all(
            value is None
            if name == "max_value" and value is None
            else isinstance(value, (bool, int, float)) and value == value
            for name, value in arguments.items()
        )
    )


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryActivation(PiecesLayer):
    """Non-linearity on some channels; the others pass through.

    A clip acts on the learner's channels only: a ReLU6 on all of them would
    cut a stream of both signs at 0 and at 6.

    Args:
        pieces: List of dictionaries, one for each range of output channels,
            in order: `inputs` (`[start, stop]`, the channels it reads),
            `activation` (None to pass them, `"clip"`, or a name of
            `keras.activations`), and `arguments` (a dictionary of what the
            activation takes, by default empty). Channels that several pieces
            read are copied.
        data_format: As in `keras.layers.Conv2D`.

    Input shape: `(batch, height, width, channels)`, or channels first; or
    `(batch, ..., channels)`.

    Output shape: the same, with as many channels as the pieces have.

    Raises:
        ValueError: For an unknown activation or a range that does not exist.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_pnnh.pass_through.layers import CarryActivation
    >>> relu = {"inputs": [0, 1], "activation": "relu"}
    >>> layer = CarryActivation([relu, {"inputs": [1, 2]}])
    >>> print(keras.ops.convert_to_numpy(layer(np.array([[[-1.0, -1.0]]]))))
    [[[ 0. -1.]]]
    """

    writes_in_place = True

    def __init__(
        self,
        pieces: list[dict[str, Any]],
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pieces, **kwargs)
        self.data_format = resolve_data_format(data_format)
        self._channel_axis = 1 if self.data_format == "channels_first" else -1

    def _run(self, x, piece, index, inputs):
        name = piece["activation"]
        clips = name == "clip"
        function = keras.ops.clip if clips else keras.activations.get(name)
        return function(x, **piece["arguments"])

    @staticmethod
    def _passes(piece):
        return piece["activation"] is None

    @staticmethod
    def _checked_piece(inputs, activation=None, arguments=None):
        arguments = {} if arguments is None else arguments
        known = None
        if activation is None or isinstance(activation, str):
            known = {None: (), **ELEMENTWISE}.get(activation)
        if known is None or not _are_arguments(arguments, known):
            raise ValueError(
                "`activation` must be None or a function of one number, one of "
                f"{sorted(ELEMENTWISE)}, and `arguments` a dictionary of the "
                "numbers that it takes. Received: "
                f"activation={activation!r}, arguments={arguments!r}. "
                "Take one of those, or None to pass the channels."
            )
        return {
            "inputs": list(inputs),
            "activation": activation,
            "arguments": dict(arguments),
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
