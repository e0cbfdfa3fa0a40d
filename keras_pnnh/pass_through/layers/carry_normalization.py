"""A layer normalisation beside channels that are carried."""

import keras
from keras import ops

from keras_pnnh.layers._precision import at_least_float32


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryNormalization(keras.layers.Layer):
    """Layer normalisation of some channels; the others pass untouched.

    For pre-norm Transformers ("reserve and merge", reconstruction, on PNNH,
    arXiv 2402.08645). The deviation may be that of other channels than those
    it divides: a dense layer that has taken in the norm's centring `C` and its
    gain reads the stream `x` itself, and what it made is divided by the
    stream's deviation behind it, `((x - mean) / sigma) W = (x C W) / sigma`.
    The stream is then carried once, and no normalised copy of it.

    Computed in float32 at least.

    Args:
        pieces: List of dictionaries, one for each range of output channels,
            in order: `inputs` (`[start, stop]`, the channels it reads),
            `epsilon` (None to pass them, or what is added to the variance),
            `statistics` (`[start, stop]`, the channels whose deviation
            divides; by default None, its own, whose mean is then taken off),
            `rms` (whether the root of the mean square divides and no mean is
            taken off, by default False), `use_scale` and `use_bias` (whether a
            factor and an offset per channel follow, by default False).

    Input shape: `(batch, ..., channels)`.

    Output shape: the same, with as many channels as the pieces have.

    Raises:
        ValueError: For a piece that contradicts itself or a range that does
            not exist.
    """

    def __init__(self, pieces, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError(
                "A layer needs at least one piece. Received: "
                f"pieces={pieces!r}. See `CarryNormalization` for what it is."
            )
        self.pieces = [_checked(**piece) for piece in pieces]

    @property
    def carried_channels(self):
        """Output channels that pass."""
        return sum(
            _width(piece) for piece in self.pieces if piece["epsilon"] is None
        )

    def build(self, inputs_shape):
        channels = inputs_shape[-1]
        needed = max(
            max(piece["inputs"][1], (piece["statistics"] or [0, 0])[1])
            for piece in self.pieces
        )
        if needed > channels:
            raise ValueError(
                f"The pieces of layer '{self.name}' read {needed} channels. "
                f"Received: inputs with {channels} channels."
            )
        self.scales, self.biases = [], []
        for index, piece in enumerate(self.pieces):
            scale = bias = None
            if piece["use_scale"]:
                scale = self._vector(f"scale_{index}", "ones", piece)
            if piece["use_bias"]:
                bias = self._vector(f"bias_{index}", "zeros", piece)
            self.scales.append(scale)
            self.biases.append(bias)

    def _vector(self, name, initializer, piece):
        # Not cast to half precision: the norm is computed in float32.
        return self.add_weight(
            name=name,
            shape=(_width(piece),),
            initializer=initializer,
            autocast=False,
        )

    def call(self, inputs):
        outputs = [
            self._run(index, piece, inputs)
            for index, piece in enumerate(self.pieces)
        ]
        return ops.concatenate(outputs, axis=-1)

    def _run(self, index, piece, inputs):
        x = inputs[..., slice(*piece["inputs"])]
        if piece["epsilon"] is None:
            return x
        dtype = at_least_float32(x)
        x = own = ops.cast(x, dtype)
        if piece["statistics"] is not None:
            own = ops.cast(inputs[..., slice(*piece["statistics"])], dtype)
        if piece["rms"]:
            square = ops.mean(ops.square(own), axis=-1, keepdims=True)
        else:
            mean = ops.mean(own, axis=-1, keepdims=True)
            centred = own - mean
            square = ops.mean(ops.square(centred), axis=-1, keepdims=True)
            if piece["statistics"] is None:
                x = centred
        x = x * ops.rsqrt(square + piece["epsilon"])
        if self.scales[index] is not None:
            x = ops.multiply(x, self.scales[index])
        if self.biases[index] is not None:
            x = ops.add(x, self.biases[index])
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], sum(map(_width, self.pieces)))

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}


def _checked(
    inputs,
    epsilon=None,
    statistics=None,
    rms=False,
    use_scale=False,
    use_bias=False,
):
    for name, span in (("inputs", inputs), ("statistics", statistics)):
        if span is not None and not 0 <= span[0] < span[1]:
            raise ValueError(
                f"`{name}` of a piece is a range of channels, [start, stop]. "
                f"Received: {list(span)}."
            )
    passed = epsilon is None
    if passed and (statistics is not None or rms or use_scale or use_bias):
        raise ValueError(
            "A piece without `epsilon` passes its channels and takes nothing "
            f"else. Received: statistics={statistics}, rms={rms}, "
            f"use_scale={use_scale}, use_bias={use_bias}."
        )
    if not passed and not epsilon >= 0:
        raise ValueError(
            "`epsilon` must be None or a number of at least 0. Received: "
            f"epsilon={epsilon!r}."
        )
    return {
        "inputs": list(inputs),
        "epsilon": epsilon,
        "statistics": None if statistics is None else list(statistics),
        "rms": rms,
        "use_scale": use_scale,
        "use_bias": use_bias,
    }


def _width(piece):
    return piece["inputs"][1] - piece["inputs"][0]
