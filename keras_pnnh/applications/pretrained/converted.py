"""Published residual networks as plain chains."""

from typing import Any

import keras

from keras_pnnh.applications import _pass_through
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers._initial_values import replaced_later
from keras_pnnh.weights import converted


def load_chain(model: keras.Model, source: Any, new_head: bool) -> None:
    """Load what a published residual network becomes.

    The first time the residual twin is loaded and converted; the weights that
    come out are kept for later calls.

    Args:
        model: An `Application` with `internal_path="pass_through"`.
        source: A `sources.Published`.
        new_head: Whether the classifier stays as it is.
    """
    config = {**model.get_config(), "internal_path": "residual"}
    settings = {key: config[key] for key in config if key != "name"}
    key = converted.key_of(source.entry.sha256, settings)
    place = (source.entry.repo_id, key, source.options.get("cache_dir"))
    arrays = None
    if key is not None and not source.options.get("force_download"):
        kept = converted.find(*place)
        arrays = kept and kept.arrays
    if arrays is None:
        arrays = _convert(type(model), config, source, new_head)
        if key is not None:
            kept = converted.Kept({"arguments": model.get_config()}, arrays)
            converted.keep(*place[:2], kept, place[2])
    for layer in _pretrained_layers(model, new_head):
        count = len(layer.weights)
        layer.set_weights([arrays[f"{layer.name}/{i}"] for i in range(count)])


def _convert(model_class, config, source, new_head):
    """The weights of the chain, by layer and number."""
    with replaced_later():
        twin = model_class.from_config(config)
    source.load_residual(twin, new_head)
    inputs, outputs, _ = _pass_through.convert(twin.input, twin.output, {})
    return {
        f"{layer.name}/{index}": to_numpy(weight)
        for layer in _pretrained_layers(keras.Model(inputs, outputs), new_head)
        for index, weight in enumerate(layer.weights)
    }


def _pretrained_layers(model, new_head):
    """All layers, but for a new head."""
    return [
        layer
        for layer in model.layers
        if not (new_head and layer.name == "head")
    ]
