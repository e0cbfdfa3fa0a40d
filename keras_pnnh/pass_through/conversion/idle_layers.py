"""Layers that pass their input in inference."""

import inspect

import keras
import numpy as np

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
_OPEN_SIZE = 3  # pixels or tokens to try a layer on, where any are allowed


def is_idle(layer):
    """Whether a layer of Keras is known to pass its input."""
    if isinstance(layer, _IDLE):
        return True
    return (
        type(layer) is keras.layers.Activation
        and layer.activation is keras.activations.linear
    )


def seems_idle(call):
    """Whether a layer without weights passes random numbers unchanged.

    Stochastic depth is written by everyone anew: what such a layer does shows
    when it is called. Asked only of layers that distinguish training.

    Args:
        call: `graph.Call` with one input and one output.
    """
    layer = call.layer
    if not isinstance(layer, keras.layers.Layer) or layer.weights:
        return False
    if len(call.args) != 1 or not set(call.kwargs) <= {"training"}:
        return False
    if "training" not in inspect.signature(layer.call).parameters:
        return False
    shape = [size or _OPEN_SIZE for size in call.inputs[0].shape]
    given = np.random.default_rng(0).standard_normal(shape).astype("float32")
    made = layer.call(keras.ops.convert_to_tensor(given), training=False)
    made = keras.ops.convert_to_numpy(made)
    return made.shape == given.shape and bool((made == given).all())
