"""What can be folded: which coder rides on a layer, which norm follows it."""

import dataclasses
from typing import Any

import keras

from keras_pnnh.layers import Coder, PlainConv2D, PlainDepthwiseConv2D

PLAIN_CONVOLUTIONS = (PlainConv2D, PlainDepthwiseConv2D)


@dataclasses.dataclass(frozen=True)
class CoderMatrix:
    """A matrix that a coder hands out, as long as nobody needs its numbers."""

    coder: Any
    part: str
    channels: int


def coder_matrix(coder, args, kwargs):
    """What a call of a coder hands out.

    Args:
        coder: A `Coder`.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.

    Returns:
        A `CoderMatrix`, or None if the call reconstructs its input and so is
        a layer like any other.
    """

    def bind(inputs, part="reconstruction"):
        if part == "reconstruction":
            return None
        return CoderMatrix(coder, part, inputs.shape[coder.axis])

    return bind(*args, **kwargs)


def is_matrix_call(call):
    """Whether a `graph.Call` makes a coder's matrix and no activation."""
    return (
        isinstance(call.layer, Coder)
        and coder_matrix(call.layer, call.args, call.kwargs) is not None
    )


def norms_to_fold(graph):
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
        if is_foldable(call.layer):
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


def is_foldable(layer):
    """Whether a layer is a linear convolution whose kernel can be rewritten.

    Subclasses are not: what they do with their kernel is unknown.
    """
    if type(layer) in PLAIN_CONVOLUTIONS:
        return True
    standard = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    return (
        type(layer) in standard and layer.activation is keras.activations.linear
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
