"""Which batch norms fold into the convolution before them."""

from typing import Any

import keras

from keras_pnnh.folding.handed import folds
from keras_pnnh.graph import Graph

STANDARD = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def norms_to_fold(graph: Graph) -> dict[Any, Any]:
    """The batch norms that disappear into the convolution before them.

    A norm folds if it is the only reader of its convolution's output, the
    convolution is linear, and neither is used anywhere else (calling both
    several times, one after the other, is allowed). A norm that was called
    with `training=True` stays.

    Args:
        graph: A `graph.Graph`.

    Returns:
        Dictionary from convolution layer to batch norm layer.
    """
    readers, producers = graph.readers(), graph.producers()
    norms, sources = {}, {}
    for call in graph.calls:
        if _absorbs_norm(call.layer):
            follower = _norm_after(call, readers[call.outputs[0]])
            norms.setdefault(call.layer, set()).add(follower)
        if type(call.layer) is keras.layers.BatchNormalization:
            source = producers[call.inputs[0]].layer
            sources.setdefault(call.layer, set()).add(source)
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
    if len(readers) != 1 or readers[0] is None:
        return None
    norm, args, kwargs = readers[0].layer, readers[0].args, readers[0].kwargs
    if type(norm) is not keras.layers.BatchNormalization:
        return None
    training = kwargs.get("training") or any(args[1:])
    rank = len(call.outputs[0].shape)
    channel_axis = 1 if call.layer.data_format == "channels_first" else rank - 1
    masked = len(readers[0].inputs) > 1
    if training or masked or norm.axis % rank != channel_axis:
        return None
    return norm
