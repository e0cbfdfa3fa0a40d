"""A layer normalisation of some channels, while others pass through."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.layers._checks import check_flag, check_number
from keras_pnnh.layers._precision import at_least_float32
from keras_pnnh.pass_through.layers._pass_through_layer import check_range
from keras_pnnh.pass_through.layers._pieces_layer import PiecesLayer


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryNormalization(PiecesLayer):
    """Layer normalisation of some channels; the others pass through.

    For pre-norm Transformers. The deviation may be that of other channels
    than those it divides: a dense layer that has taken in the norm's centring
    `C` and its gain reads the stream `x` itself, and what it made is divided
    by the stream's deviation after it, `((x - mean) / sigma) W =
    (x C W) / sigma`. The stream then passes through once, and no normalised
    copy of it.

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

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_pnnh.pass_through.layers import CarryNormalization
    >>> norm = {"inputs": [0, 2], "epsilon": 0.0}
    >>> layer = CarryNormalization([norm, {"inputs": [2, 3]}])
    >>> print(keras.ops.convert_to_numpy(layer(np.array([[1.0, 3.0, 7.0]]))))
    [[-1.  1.  7.]]
    """

    writes_in_place = True

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        super().build(inputs_shape)
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
            shape=(self._width(piece),),
            initializer=initializer,
            autocast=False,
        )

    def _run(self, x, piece, index, inputs):
        dtype = at_least_float32(x)
        x = own = ops.cast(x, dtype)
        if piece["statistics"] is not None:
            own = ops.cast(self._channels(inputs, *piece["statistics"]), dtype)
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

    @staticmethod
    def _passes(piece):
        return piece["epsilon"] is None

    @staticmethod
    def _last(piece):
        return max(piece["inputs"][1], (piece["statistics"] or [0, 0])[1])

    @staticmethod
    def _checked_piece(
        inputs,
        epsilon=None,
        statistics=None,
        rms=False,
        use_scale=False,
        use_bias=False,
    ):
        if statistics is not None:
            check_range("statistics", statistics)
        check_flag("rms", rms)
        check_flag("use_scale", use_scale)
        check_flag("use_bias", use_bias)
        passed = epsilon is None
        if passed and (statistics is not None or rms or use_scale or use_bias):
            raise ValueError(
                "A piece without `epsilon` passes its channels and takes "
                f"nothing else. Received: statistics={statistics}, rms={rms}, "
                f"use_scale={use_scale}, use_bias={use_bias}. Give it an "
                "`epsilon`, or leave these out."
            )
        if not passed:
            check_number("epsilon", epsilon, least=0)
        return {
            "inputs": list(inputs),
            "epsilon": epsilon,
            "statistics": None if statistics is None else list(statistics),
            "rms": rms,
            "use_scale": use_scale,
            "use_bias": use_bias,
        }
