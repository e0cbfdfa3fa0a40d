"""What a network says of its layers beside the arguments that built them.

Its config holds arguments and no layers. Which layers are frozen and which are
quantised is decided afterwards, so it stands beside them, in plain values.
"""

from typing import Any

import keras

from keras_pnnh.layers.parts import freeze_parts, frozen_parts

KEYS = ("frozen", "quantized")


def describe(model: keras.Model) -> dict[str, Any]:
    """What differs from a network that was just built, for its config.

    Returns:
        Dictionary with some of the keys `"frozen"` (names of layers, and of
        what is inside of them, `"<layer>/<part>"`) and `"quantized"`
        (dictionary from the name of a layer to its mode and configuration).
    """
    states: dict[str, Any] = {}
    frozen = [layer.name for layer in model.layers if not layer.trainable]
    if len(frozen) == len(model.layers) and not model.trainable:
        frozen = []  # which the config's `trainable` says
    frozen += [
        f"{layer.name}/{part}"
        for layer in model.layers
        for part in frozen_parts(layer)
    ]
    if frozen or (not model.trainable and _any_trains(model)):
        states["frozen"] = frozen
    quantized = {
        layer.name: _quantization(layer)
        for layer in model.layers
        if getattr(layer, "quantization_mode", None)
    }
    if quantized:
        states["quantized"] = quantized
    return states


def restore(
    model: keras.Model, trainable: bool, states: dict[str, Any]
) -> None:
    """Make a network that was just built what `describe` says of another.

    Raises:
        ValueError: For a description that is none.
    """
    _check(states)
    layers = {layer.name: layer for layer in model.layers}
    for name, (mode, config) in states.get("quantized", {}).items():
        if name in layers:
            quantization = keras.saving.deserialize_keras_object(config)
            layers[name].quantize(mode, config=quantization)
    model.trainable = trainable
    if "frozen" not in states:
        return
    for name, layer in layers.items():
        layer.trainable = name not in states["frozen"]
    for path in states["frozen"]:
        name, separator, part = path.partition("/")
        if separator and name in layers:
            freeze_parts(layers[name], [part])


def _any_trains(model):
    return any(layer.trainable for layer in model.layers)


def _quantization(layer):
    config = getattr(layer, "quantization_config", None)
    return [
        layer.quantization_mode,
        keras.saving.serialize_keras_object(config),
    ]


def _check(states):
    frozen = states.get("frozen", [])
    if not isinstance(frozen, list) or not all(
        isinstance(name, str) for name in frozen
    ):
        raise ValueError(
            "`frozen` of a network's config is a list of names of layers. "
            f"Received: frozen={frozen!r}."
        )
    quantized = states.get("quantized", {})
    if not isinstance(quantized, dict) or not all(
        isinstance(entry, (list, tuple)) and len(entry) == 2
        for entry in quantized.values()
    ):
        raise ValueError(
            "`quantized` of a network's config is a dictionary from the name "
            "of a layer to its mode and configuration. Received: "
            f"quantized={quantized!r}."
        )
