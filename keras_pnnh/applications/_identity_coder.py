"""`coder="identity"`: what is carried travels beside the learners."""

from typing import Any, NamedTuple

import keras

from keras_pnnh import graph
from keras_pnnh.applications import _builder
from keras_pnnh.graph.layer_copies import LayerCopies
from keras_pnnh.pass_through.conversion import build_chain

CODERS = ("autoencoder", "identity")


class Chain(NamedTuple):
    """A residual network, converted.

    Attributes:
        model: A functional `keras.Model` with the result of the chain and
            its feature maps as outputs.
        levels: Levels of the pyramid that the feature maps are.
    """

    model: Any
    levels: list[str]


def blocks_path(coder, internal_path, dropout_rate=0.0):
    """The internal path that the blocks are built with.

    The identity is what a residual connection is: the network is built as its
    own twin and converted.
    """
    _builder.check_choice("coder", coder, CODERS)
    if coder == "autoencoder":
        return internal_path
    if internal_path != "coder":
        raise ValueError(
            "`coder` says what kind of coder carries the input, so it goes "
            "with `internal_path='coder'`. Received: "
            f"coder={coder!r} with internal_path={internal_path!r}. Leave one "
            "of them out."
        )
    if dropout_rate:
        raise ValueError(
            "A converted chain has no dropout. Received: "
            f"coder={coder!r} with dropout_rate={dropout_rate}. Leave "
            "`dropout_rate` out, or take `include_top=False` and a head of "
            "your own."
        )
    return "residual"


def convert(twin, pyramid):
    """The chain of a residual twin, and its feature maps.

    Args:
        twin: A functional `keras.Model`.
        pyramid: Dictionary from the level to a Keras tensor of `twin`, or one
            that layers without weights make of those.
    """
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
        whole = keras.Model(twin.inputs, list(pyramid.values()))
        maps = graph.replay(whole, [chain.input], call)
    model = keras.Model(chain.input, [chain.output, *maps])
    return Chain(model, list(pyramid))
