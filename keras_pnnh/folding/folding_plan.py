"""What can be folded: which coder rides on a layer, which norm follows it."""

import dataclasses
from typing import Any

import keras

from keras_pnnh.layers import (
    Coder,
    PlainConv2D,
    PlainDepthwiseConv2D,
    SharedKernel,
)

PLAIN_CONVOLUTIONS = (PlainConv2D, PlainDepthwiseConv2D)


@dataclasses.dataclass(frozen=True)
class CoderMatrix:
    """A matrix that a coder hands out, as long as nobody needs its numbers."""

    coder: Any
    part: str
    channels: int

    def __str__(self):
        return f"the {self.part} of coder '{self.coder.name}'"


@dataclasses.dataclass(frozen=True)
class LearnerKernel:
    """A kernel that a `SharedKernel` hands out, the same way."""

    shared: Any
    channels: int

    def __str__(self):
        return f"the kernel of '{self.shared.name}'"


def handed_out(layer, args, kwargs):
    """The weights that a call hands out to the layers that add or use them.

    Args:
        layer: The layer that is called.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.

    Returns:
        A `CoderMatrix`, a `LearnerKernel`, or None for a layer like any
        other, such as a coder that reconstructs its input.
    """

    def of_coder(inputs, part="reconstruction"):
        if part == "reconstruction":
            return None
        return CoderMatrix(layer, part, inputs.shape[layer.axis])

    def of_shared_kernel(inputs):
        return LearnerKernel(layer, layer.channels_read(inputs))

    if isinstance(layer, Coder):
        return of_coder(*args, **kwargs)
    if isinstance(layer, SharedKernel):
        return of_shared_kernel(*args, **kwargs)
    return None


def hands_out_weights(call):
    """Whether a `graph.Call` makes weights of other layers, no activation."""
    return handed_out(call.layer, call.args, call.kwargs) is not None


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
