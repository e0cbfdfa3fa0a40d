"""The layers inside a layer, and which of them are frozen by themselves."""

from collections.abc import Iterable

import keras


def parts(layer: keras.layers.Layer) -> dict[str, keras.layers.Layer]:
    """The layers that a layer names as its `inner_layers`, by attribute."""
    found = {
        name: getattr(layer, name, None)
        for name in getattr(layer, "inner_layers", ())
    }
    return {name: part for name, part in found.items() if part is not None}


def frozen_parts(layer: keras.layers.Layer) -> list[str]:
    """Names of the parts that are frozen in a layer that is not."""
    if not layer.trainable:
        return []
    return [name for name, part in parts(layer).items() if not part.trainable]


def freeze_parts(layer: keras.layers.Layer, frozen: Iterable[str]) -> None:
    """Freeze those of a layer's parts that it has."""
    inside = parts(layer)
    for name in frozen:
        if name in inside:
            inside[name].trainable = False
