"""`internal_path="pass_through"`: a residual network, converted exactly."""

from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.graph.layer_copies import LayerCopies
from keras_pnnh.pass_through.conversion import build_chain


def blocks_path(internal_path: Any) -> Any:
    """The internal path that the blocks are built with.

    Pass-through channels carry what a residual connection does: the network
    is built as its own twin and converted.
    """
    return "residual" if internal_path == "pass_through" else internal_path


def convert(
    inputs: Any, outputs: Any, pyramid: Any
) -> tuple[Any, Any, dict[Any, Any]]:
    """The chain of a residual network, and its feature maps.

    Args:
        inputs: Keras tensor of the images.
        outputs: Keras tensor of the residual network's result.
        pyramid: Dictionary from the level to a Keras tensor of the network,
            or one that layers without weights make of those.

    Returns:
        The same three of the chain.
    """
    twin = keras.Model(inputs, outputs)
    chain, *_ = build_chain(twin)
    made = graph.layer_outputs(chain)
    inside = {layer.name for layer in twin.layers}
    copies = LayerCopies()

    def call(layer, args, kwargs):
        if layer.name not in inside:
            return copies.call(layer, args, kwargs)
        # What the chain has no layer for (a norm, folded), no map is made of.
        return made.get(layer.name, (None,))[0]

    maps = []
    if pyramid:
        whole = keras.Model(inputs, list(pyramid.values()))
        maps = graph.replay(whole, [chain.input], call)
    return chain.input, chain.output, dict(zip(pyramid, maps, strict=True))
