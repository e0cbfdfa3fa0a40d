"""Ordinary layers for pass-through channels of tokens and vectors.

The kernels of a `CarryDense` become one `Dense`. What passes a
non-linearity travels as a pair, `x = phi(x) - phi(-x)`, which is exact for
ReLU, GELU, SiLU, hard SiLU and softplus: the negatives stand after all other
channels, from the dense layer before the non-linearity to the one after it.
The norms and the mixing of tokens stay layers of this library, since no layer
of Keras's acts on some of its channels only.
"""

import functools
import math
from typing import Any

import keras
import numpy as np

from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.pass_through.layers import (
    CarryActivation,
    CarryAttention,
    CarryDense,
    CarryNormalization,
)
from keras_pnnh.pass_through.writing_out.wires import NotWrittenOutError
from keras_pnnh.pass_through.writing_out.written_images import StandardLayer

_FEATURE_LAYERS = (
    CarryActivation,
    CarryAttention,
    CarryDense,
    CarryNormalization,
)
# phi(x) - phi(-x) = x.
_PAIRED = ("gelu", "hard_silu", "relu", "silu", "softplus")


def plan_feature_layers(calls: Any) -> dict[Any, Any]:
    """The ordinary layers of a chain's layers on tokens and vectors.

    Args:
        calls: List of `graph.Call`s, a chain.

    Returns:
        Dictionary from a layer to a list of `StandardLayer`s.

    Raises:
        NotWrittenOutError: If there is no such form.
    """
    planner, plan = _Planner(), {}
    for place, call in enumerate(calls):
        if is_feature_call(call):
            plan[call.layer] = [planner.plan(calls, place)]
        else:
            planner.end(call)
    return plan


def is_feature_call(call: Any) -> bool:
    """Whether a call is that of a layer to write out, on no images."""
    images = len(call.outputs[0].shape) == 4
    return isinstance(call.layer, _FEATURE_LAYERS) and not images


class _Planner:
    """Follows the pairs from one dense layer to the next."""

    def __init__(self):
        self._negatives = []  # channels whose negatives stand at the end
        self._places = None  # where an activation left its channels

    def plan(self, calls, place):
        call = calls[place]
        if isinstance(call.layer, CarryDense):
            return self._dense(call, _channels_to_pair(calls, place))
        if self._places is not None:
            self.end(call)
        if isinstance(call.layer, CarryActivation):
            return self._activation(call)
        return self._beside(call)

    def end(self, call):
        """Raise if a pair has not been put together."""
        if self._negatives or self._places is not None:
            raise _not_written_out(call.layer, "reads what travels as pairs")

    def _dense(self, call, pairs):
        layer, negatives = call.layer, list(self._negatives)
        channels = call.inputs[0].shape[-1]
        places = self._places or list(range(channels))
        self._negatives, self._places = pairs, None
        inputs = channels + len(negatives)
        units = layer.units + len(pairs)

        def weights():
            kernel, bias = _matrix(layer, channels)
            opened = np.zeros((inputs, layer.units))
            for row, here in zip(kernel, places, strict=True):
                opened[here] += row
            for here, channel in enumerate(negatives, channels):
                opened[here] -= kernel[channel]
            opened = np.concatenate([opened, -opened[:, pairs]], axis=1)
            return opened, np.concatenate([bias, -bias[pairs]])

        return StandardLayer(
            keras.layers.Dense,
            layer.name,
            {"units": units, "dtype": layer.dtype_policy},
            _times(call, inputs * units),
            (inputs + 1) * units,
            weights,
        )

    def _activation(self, call):
        layer = call.layer
        functions = {
            (piece["activation"], tuple(sorted(piece["arguments"].items())))
            for piece in layer.pieces
            if piece["activation"] is not None
        }
        (name, arguments), *others = functions
        passing = _passing(layer)
        paired = all(channel in self._negatives for channel in passing.values())
        plain = not dict(arguments) or set(dict(arguments).values()) <= {0.0}
        if others or name not in _PAIRED or not plain or not paired:
            raise _not_written_out(layer, f"is {name} with {dict(arguments)}")
        channels = call.inputs[0].shape[-1]
        self._places = [
            channel
            for piece in layer.pieces
            for channel in range(*piece["inputs"])
        ]
        if sorted(self._places) != list(range(channels)):
            raise _not_written_out(layer, "copies or drops channels")
        sources = {source: made for made, source in passing.items()}
        self._negatives = [sources[channel] for channel in self._negatives]
        return StandardLayer(
            keras.layers.Activation,
            layer.name,
            {"activation": name, "dtype": layer.dtype_policy},
        )

    def _beside(self, call):
        """A norm or a mixing of tokens: the negatives pass at the end."""
        layer, channels = call.layer, call.inputs[0].shape[-1]
        config = layer.get_config()
        pieces = config["pieces"]
        if self._negatives:
            sources = {made: out for out, made in _passing(layer).items()}
            last = channels + len(self._negatives)
            pieces = [*pieces, {"inputs": [channels, last]}]
            self._negatives = [sources[channel] for channel in self._negatives]
        macs = 0
        if isinstance(layer, CarryAttention):
            tokens = call.inputs[0].shape[1]
            macs = None if tokens is None else tokens**2 * layer.pair_size
        weights = None
        if layer.weights:
            weights = functools.partial(_values, layer)
        return StandardLayer(
            type(layer),
            layer.name,
            {"pieces": pieces, "dtype": layer.dtype_policy},
            macs,
            layer.count_params(),
            weights,
        )


def _channels_to_pair(calls, place):
    """Channels of a dense layer that pass the next non-linearity."""
    behind = []
    for call in calls[place + 1 :]:
        if not is_feature_call(call) or isinstance(call.layer, CarryDense):
            return []
        behind.append(call.layer)
        if isinstance(call.layer, CarryActivation):
            break
    else:
        return []
    channels = sorted(set(_passing(behind.pop()).values()))
    for layer in reversed(behind):
        passing = _passing(layer)
        if not set(channels) <= set(passing):
            raise _not_written_out(layer, "makes what passes a non-linearity")
        channels = [passing[channel] for channel in channels]
    return channels


def _passing(layer):
    """Dictionary from output channels that pass to input channels."""
    passing, start = {}, 0
    for piece in layer.pieces:
        first, last = piece["inputs"]
        if isinstance(layer, CarryAttention) and piece["num_heads"]:
            start += last - first - 2 * piece["num_heads"] * piece["key_dim"]
            continue
        learner = piece.get("activation"), piece.get("epsilon")
        for channel in range(first, last):
            if learner == (None, None):
                passing[start] = channel
            start += 1
    return passing


def _matrix(layer, channels):
    """Kernel and bias of all blocks of a `CarryDense`, in float64."""
    kernel = np.zeros((channels, layer.units))
    bias = np.zeros(layer.units)
    parts = zip(layer.blocks, layer.kernels, layer.biases, strict=True)
    for block, weights, offset in parts:
        part = np.eye(block.channels, block.filters)
        if block.kind == "scale":
            part = part * to_numpy(weights)
        elif block.kind == "dense":
            part = to_numpy(weights)
        kernel[slice(*block.inputs), slice(*block.outputs)] += part
        if offset is not None:
            bias[slice(*block.outputs)] += to_numpy(offset)
    return kernel, bias


def _values(layer):
    return [to_numpy(weight) for weight in layer.weights]


def _times(call, count):
    sizes = call.outputs[0].shape[1:-1]
    return None if None in sizes else math.prod(sizes) * count


def _not_written_out(layer, why):
    return NotWrittenOutError(
        "Pass-through channels pass ordinary layers as pairs, from a dense "
        f"layer through one of {_PAIRED} to the next. Received: layer "
        f"'{layer.name}' ({type(layer).__name__}), which {why}. Keep the "
        "chain as it is: without `write_out` it needs no pairs."
    )
