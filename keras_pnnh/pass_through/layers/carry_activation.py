"""A non-linearity beside channels that are carried."""

import keras
from keras import ops

from keras_pnnh.layers._checks import resolve_data_format

# Functions of one number, by their name in `keras.activations`, each with the
# arguments it takes.
ELEMENTWISE = {
    "celu": ("alpha",),
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


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryActivation(keras.layers.Layer):
    """Non-linearity on some channels; the others pass untouched.

    The clip of the learner's channels is real, that of the carried ones is
    `(-inf, inf)`: a ReLU6 would cut a signed stream at 0 and at 6 ("reserve
    and merge", reconstruction).

    Args:
        pieces: List of dictionaries, one for each range of output channels,
            in order: `inputs` (`[start, stop]`, the channels it reads),
            `activation` (None to pass them, or a name of
            `keras.activations`), and `arguments` (a dictionary of what the
            activation takes, by default empty). Channels that several pieces
            read are copied.
        data_format: As in `keras.layers.Conv2D`.

    Input shape: `(batch, height, width, channels)`, or channels first.

    Output shape: the same, with as many channels as the pieces have.

    Raises:
        ValueError: For an unknown activation or a range that does not exist.
    """

    def __init__(self, pieces, data_format=None, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError(
                "A layer needs at least one piece. Received: "
                f"pieces={pieces!r}. See `CarryActivation` for what it is."
            )
        self.pieces = [_checked(**piece) for piece in pieces]
        self.data_format = resolve_data_format(data_format)
        self._channel_axis = 1 if self.data_format == "channels_first" else -1

    @property
    def carried_channels(self):
        """Output channels that pass."""
        return sum(
            _width(piece)
            for piece in self.pieces
            if piece["activation"] is None
        )

    def build(self, inputs_shape):
        channels = inputs_shape[self._channel_axis]
        needed = max(piece["inputs"][1] for piece in self.pieces)
        if needed > channels:
            raise ValueError(
                f"The pieces of layer '{self.name}' read {needed} channels. "
                f"Received: inputs with {channels} channels."
            )

    def call(self, inputs):
        outputs = []
        for piece in self.pieces:
            span = slice(*piece["inputs"])
            first = self._channel_axis == 1
            x = inputs[:, span] if first else inputs[..., span]
            if piece["activation"] is not None:
                function = keras.activations.get(piece["activation"])
                x = function(x, **piece["arguments"])
            outputs.append(x)
        return ops.concatenate(outputs, axis=self._channel_axis)

    def compute_output_shape(self, inputs_shape):
        shape = list(inputs_shape)
        shape[self._channel_axis] = sum(map(_width, self.pieces))
        return tuple(shape)

    def get_config(self):
        return {
            **super().get_config(),
            "pieces": self.pieces,
            "data_format": self.data_format,
        }


def _checked(inputs, activation=None, arguments=None):
    start, stop = inputs
    if not 0 <= start < stop:
        raise ValueError(
            "`inputs` of a piece is a range of channels, [start, stop]. "
            f"Received: {[start, stop]}."
        )
    arguments = dict(arguments or {})
    known = {None: (), **ELEMENTWISE}.get(activation)
    if known is None or not set(arguments) <= set(known):
        raise ValueError(
            "`activation` must be None or a function of one number, one of "
            f"{sorted(ELEMENTWISE)}, and `arguments` what it takes. Received: "
            f"activation={activation!r}, arguments={arguments}."
        )
    return {
        "inputs": [start, stop],
        "activation": activation,
        "arguments": arguments,
    }


def _width(piece):
    return piece["inputs"][1] - piece["inputs"][0]
