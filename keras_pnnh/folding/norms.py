"""Which batch norms fold into the convolution before them."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.folding.handed import folds
from keras_pnnh.graph import Graph
from keras_pnnh.layers.values import numbers

STANDARD = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
# The maximum of `a x + b` is that of `x`, times `a`, plus `b`, if `a` is
# positive; their mean is, whatever `a`, where no zeros are averaged.
POOLINGS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


def norms_to_fold(graph: Graph) -> dict[Any, Any]:
    """The batch norms that disappear into the convolution before them.

    A norm folds if it is the only reader of its convolution's output, the
    convolution is linear, and neither is used anywhere else (calling both
    several times, one after the other, is allowed). Pooling may stand between
    the two, before a norm whose scale is positive in every channel. A norm
    that was called with `training=True` stays.

    Args:
        graph: A `graph.Graph`.

    Returns:
        Dictionary from convolution layer to batch norm layer.
    """
    readers, producers = graph.readers(), graph.producers()
    norms, sources = {}, {}
    for call in graph.calls:
        if _absorbs_norm(call.layer):
            follower = _norm_after(call, readers)
            norms.setdefault(call.layer, set()).add(follower)
        if type(call.layer) is keras.layers.BatchNormalization:
            source = producers[call.inputs[0]]
            while type(source.layer) in POOLINGS:
                source = producers[source.inputs[0]]
            sources.setdefault(call.layer, set()).add(source.layer)
    pairs = {}
    for convolution, followers in norms.items():
        (norm, *others) = followers
        if norm and not others and sources[norm] == {convolution}:
            pairs[convolution] = norm
    return pairs


def _absorbs_norm(layer):
    """Whether a layer is a linear convolution whose kernel can be rewritten.

    Subclasses of Keras's are not: what they do with their kernel is unknown.
    """
    if folds(layer):
        return layer.absorbs_norm
    return (
        type(layer) in STANDARD and layer.activation is keras.activations.linear
    )


def _norm_after(call, readers):
    """The batch norm that alone reads a convolution, or None."""
    reader, poolings = _only_reader(call, readers), []
    while reader is not None and type(reader.layer) in POOLINGS:
        poolings.append(reader.layer)
        reader = _only_reader(reader, readers)
    if reader is None:
        return None
    norm, args, kwargs = reader.layer, reader.args, reader.kwargs
    if type(norm) is not keras.layers.BatchNormalization:
        return None
    training = kwargs.get("training") or any(args[1:])
    rank = len(call.outputs[0].shape)
    channel_axis = 1 if call.layer.data_format == "channels_first" else rank - 1
    masked = len(reader.inputs) > 1
    if training or masked or norm.axis % rank != channel_axis:
        return None
    if not all(_commutes(pooling, call.layer, norm) for pooling in poolings):
        return None
    return norm


def _only_reader(call, readers):
    """The one call that reads what a call returns, or None."""
    found = readers[call.outputs[0]]
    return found[0] if len(found) == 1 else None


def _commutes(pooling, convolution, norm):
    """Whether the norm may stand before the pooling just as well."""
    if pooling.data_format != convolution.data_format:
        return False
    if type(pooling) is keras.layers.MaxPooling2D:
        return norm.gamma is None or bool(np.all(numbers(norm.gamma) > 0))
    return pooling.padding == "valid"
