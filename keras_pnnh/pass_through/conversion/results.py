"""What a model makes, and the numbers before a last softmax."""

import inspect
from typing import Any

import keras

from keras_pnnh import graph

_CLASSIFIERS = (keras.activations.softmax, keras.activations.sigmoid)


def call_model(model: keras.Model, inputs: Any) -> Any:
    """The only result of a model in inference, as an array.

    The model itself is called: what its class does with its graph counts.

    Args:
        model: A `keras.Model` with one input and one result.
        inputs: Array, a batch.

    Returns:
        Array in float32, or float64 if the model computes in it.
    """
    (given,) = model.inputs
    inputs = keras.ops.cast(keras.ops.convert_to_tensor(inputs), given.dtype)
    (result,) = keras.tree.flatten(model(inputs, training=False))
    return _as_array(result)


def hides_logits(model: keras.Model) -> bool:
    """Whether a model ends in a softmax or sigmoid, which hides differences."""
    last = graph.read(model).calls[-1].layer
    if isinstance(last, keras.layers.Softmax):
        return True
    return getattr(last, "activation", None) in _CLASSIFIERS


def compute_logits(model: keras.Model, images: Any) -> Any:
    """Results of a model in inference, before a final softmax or sigmoid.

    Args:
        model: A functional or sequential `keras.Model` with one result.
        images: Array, a batch.

    Returns:
        Array in float32, or float64 if the model computes in it.
    """
    if not hides_logits(model):
        return call_model(model, images)
    last = graph.read(model).calls[-1].layer

    def call(layer, args, kwargs):
        if layer is last:
            layer = _linear(layer)
            kwargs = {} if isinstance(layer, keras.layers.Identity) else kwargs
        if "training" in inspect.signature(layer.call).parameters:
            kwargs = {**kwargs, "training": False}
        return layer(*args, **kwargs)

    inputs = keras.ops.convert_to_tensor(images)
    inputs = keras.ops.cast(inputs, model.inputs[0].dtype)
    (outputs,) = graph.replay(model, [inputs], call)
    return _as_array(outputs)


def _as_array(tensor):
    tensor = keras.ops.stop_gradient(tensor)
    if keras.backend.standardize_dtype(tensor.dtype) != "float64":
        tensor = keras.ops.cast(tensor, "float32")
    return keras.ops.convert_to_numpy(tensor)


def _linear(layer):
    """The layer without the function that ends a classifier."""
    if isinstance(layer, keras.layers.Softmax):
        return keras.layers.Identity()
    if getattr(layer, "activation", None) not in _CLASSIFIERS:
        return layer
    if type(layer) is keras.layers.Activation:
        return keras.layers.Identity()
    copy = type(layer).from_config({**layer.get_config(), "activation": None})
    copy.build(layer.input.shape)
    copy.set_weights(layer.get_weights())
    return copy
