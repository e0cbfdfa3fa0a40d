"""Layers with kernels, and what stands between one and the next."""

from typing import NamedTuple

import keras

from keras_pnnh import graph

WEIGHTED = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
)
# Of the first degree: a positive factor of a channel passes them.
_PASSING = (
    keras.layers.AveragePooling2D,
    keras.layers.Cropping2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.MaxPooling2D,
    keras.layers.ZeroPadding2D,
)


class Link(NamedTuple):
    """Two layers with kernels, of which only the second reads the first."""

    first: keras.layers.Layer
    second: keras.layers.Layer


def find_links(model: keras.Model) -> list[Link]:
    """The pairs of layers between which channels can be scaled exactly.

    Args:
        model: A folded model.

    Returns:
        Links from the input to the output.
    """
    network = graph.read(model)
    readers, called = network.readers(), {}
    for call in network.calls:
        called[call.layer] = called.get(call.layer, 0) + 1
    links = []
    for call in network.calls:
        if not _is_usable(call.layer, called) or not _is_linear(call.layer):
            continue
        following = _only_reader(call, readers)
        while following is not None and _passes(following.layer, called):
            following = _only_reader(following, readers)
        if following is not None and _is_usable(following.layer, called):
            links.append(Link(call.layer, following.layer))
    return links


def _only_reader(call, readers):
    found = readers[call.outputs[0]]
    return found[0] if len(found) == 1 else None


def _is_usable(layer, called):
    return (
        type(layer) in WEIGHTED
        and called[layer] == 1
        and getattr(layer, "groups", 1) == 1
        and getattr(layer, "data_format", "channels_last") == "channels_last"
        and getattr(layer, "depth_multiplier", 1) == 1
    )


def _is_linear(layer):
    """Whether a positive factor passes the layer's own activation."""
    return layer.activation in (
        keras.activations.linear,
        keras.activations.relu,
    )


def _passes(layer, called):
    if called[layer] != 1:
        return False
    if type(layer) is keras.layers.ReLU:
        return layer.max_value is None and not layer.threshold
    if type(layer) is keras.layers.Activation:
        return _is_linear(layer)
    return type(layer) in _PASSING
