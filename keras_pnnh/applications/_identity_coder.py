"""`coder="identity"`: what is carried travels beside the learners."""

from typing import Any, NamedTuple

from keras_pnnh import graph
from keras_pnnh.applications import _builder
from keras_pnnh.conversion.residual import build_chain

CODERS = ("autoencoder", "identity")


class Chain(NamedTuple):
    """A residual network, converted.

    Attributes:
        model: A functional `keras.Model`, one chain.
        levels: By level of the pyramid the name of the layer that makes it.
    """

    model: Any
    levels: dict[str, str]


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
    """The chain of a residual twin, and where its levels are.

    Args:
        twin: A functional `keras.Model`.
        pyramid: Dictionary from the level to a Keras tensor of `twin`.
    """
    names = {
        id(tensor): name
        for name, tensors in graph.layer_outputs(twin).items()
        for tensor in tensors
    }
    chain, *_ = build_chain(twin)
    levels = {level: names[id(tensor)] for level, tensor in pyramid.items()}
    return Chain(chain, levels)
