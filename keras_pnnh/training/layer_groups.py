"""The layers of a network in order, and those that a name stands for."""

import difflib
from collections.abc import Iterable, Sequence

import keras

from keras_pnnh import graph


def ordered_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Layers with weights from the input to the output, each once.

    Args:
        model: A functional or sequential `keras.Model`; those inside it are
            flattened.
    """
    layers = [call.layer for call in graph.read(model).calls]
    return [
        layer
        for layer in dict.fromkeys(layers)
        if getattr(layer, "weights", None)
    ]


def belongs(layer: keras.layers.Layer, name: str) -> bool:
    """Whether `name` is a layer's, or that of its block or stage."""
    return layer.name == name or layer.name.startswith(f"{name}_")


def check_names(
    layers: Sequence[keras.layers.Layer], names: Iterable[str], argument: str
) -> None:
    """Raise a ValueError for a name that no layer belongs to."""
    for name in names:
        if not any(belongs(layer, str(name)) for layer in layers):
            prefixes = dict.fromkeys(
                "_".join(layer.name.split("_")[:parts])
                for layer in layers
                for parts in (1, 2, 3)
            )
            near = difflib.get_close_matches(str(name), prefixes, cutoff=0.0)
            raise ValueError(
                f"`{argument}` must name layers with weights, or their stage "
                f"or block. Received: {argument} with {name!r}. Nearest: "
                f"{', '.join(near)}."
            )
