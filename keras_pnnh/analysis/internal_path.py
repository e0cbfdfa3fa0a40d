"""Whether something carries the input of a network along, past its layers."""

import keras

from keras_pnnh import graph
from keras_pnnh.layers import Coder, PlainLayer

# Where a path that leads around other layers ends.
JOINS = (
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.Concatenate,
)


def has_internal_path(model: keras.Model) -> bool:
    """Whether a model has a coder, pass-through channels or a shortcut.

    Of a folded network, whose coder is part of its kernels, that cannot be
    seen.
    """
    return any(_carries(call.layer) for call in graph.read(model).calls)


def _carries(layer):
    if isinstance(layer, (Coder, *JOINS)):
        return True
    return isinstance(layer, PlainLayer) and layer.pass_through_channels > 0
