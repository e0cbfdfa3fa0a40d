"""The numbers before the last softmax, which hides differences."""

import inspect

import keras

from keras_pnnh import graph

_CLASSIFIERS = (keras.activations.softmax, keras.activations.sigmoid)


def compute_logits(model, images):
    """Results of a model in inference, before a final softmax or sigmoid.

    Args:
        model: A functional or sequential `keras.Model` with one result.
        images: Array, a batch.

    Returns:
        Array in float32, or float64 if the model computes in it.
    """
    last = graph.read(model).calls[-1].layer

    def call(layer, args, kwargs):
        if layer is last:
            layer = _linear(layer)
            kwargs = {} if isinstance(layer, keras.layers.Identity) else kwargs
        if "training" in inspect.signature(layer.call).parameters:
            kwargs = {**kwargs, "training": False}
        return layer(*args, **kwargs)

    inputs = keras.ops.convert_to_tensor(images)
    if "float" in model.inputs[0].dtype:
        inputs = keras.ops.cast(inputs, model.inputs[0].dtype)
    (outputs,) = graph.replay(model, [inputs], call)
    if keras.backend.standardize_dtype(outputs.dtype) != "float64":
        outputs = keras.ops.cast(outputs, "float32")
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(outputs))


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
