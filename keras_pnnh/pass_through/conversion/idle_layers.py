"""Layers that pass their input in inference, and what others do inside."""

import inspect
from typing import Any

import keras

from keras_pnnh import graph

_IDLE = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
)
# Keras's augmentation passes its input in inference, but for `RandomCrop`.
# By name: what there is depends on the version.
_AUGMENTING = ("AugMix", "CutMix", "MixUp", "RandAugment")


def is_idle(layer: Any) -> bool:
    """Whether a layer of Keras's passes its input in inference, by its type.

    A subclass may do something else: `look_inside` tells.
    """
    if type(layer) is keras.layers.Activation:
        return layer.activation is keras.activations.linear
    name, module = type(layer).__name__, type(layer).__module__
    random = name.startswith("Random") and name != "RandomCrop"
    augments = (random or name in _AUGMENTING) and module.startswith(
        "keras.src.layers.preprocessing."
    )
    return augments or type(layer) in _IDLE


def look_inside(call: Any) -> Any:
    """The graph of what a layer of another package does in inference.

    Everyone writes stochastic depth in a new way, and a probe would not tell
    what such a layer does to other numbers. So its `call` is run on a symbolic
    tensor; a layer that is idle returns that very tensor.

    Args:
        call: `graph.Call` with one input.

    Returns:
        A `graph.Graph`, or None for a layer that has weights or cannot be
        looked into.
    """
    layer = call.layer
    if not isinstance(layer, keras.layers.Layer) or layer.weights:
        return None
    if type(layer).__module__.startswith(("keras.", "keras_pnnh.")):
        return None
    if type(layer).__call__ is not keras.layers.Layer.__call__:
        return None
    if len(call.args) != 1 or not set(call.kwargs) <= {"training"}:
        return None
    given = keras.Input(
        batch_shape=call.inputs[0].shape, dtype=layer.compute_dtype
    )
    arguments = {}
    if "training" in inspect.signature(layer.call).parameters:
        arguments["training"] = False
    try:
        return graph.read(keras.Model(given, layer.call(given, **arguments)))
    # Whatever the code of others raises on a symbolic tensor.
    except Exception:
        return None
