"""Layers made of layers, opened: what they do is then part of the graph."""

import inspect
from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.graph.copy_checks import check_copy, parts_of
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    copy_layer,
    load_copy,
    pack_like,
    to_numpy,
)
from keras_pnnh.layers import TokenEmbedding
from keras_pnnh.pass_through.conversion.operations import unsupported

# Their layers are known as they are.
_KNOWN_PACKAGES = ("keras", "keras_pnnh")


def open_composites(model: keras.Model) -> Any:
    """The model with the layers inside of its layers.

    Args:
        model: A functional or sequential `keras.Model`.

    Returns:
        `model`, or an equal model of copies where a layer of another package
        holds layers with weights, such as the encoder of keras-hub's ViT.
        What was inside is named `"<layer>_<layer inside>"`.

    Raises:
        ValueError: For such a layer whose `call` is no graph.
    """
    network = graph.read(model)
    if not any(_is_composite(call.layer) for call in network.calls):
        return model
    copies = LayerCopies()
    inputs = [
        copies.copy(call.layer).output
        for call in network.calls[: len(model.inputs)]
    ]
    outputs = graph.replay(model, inputs, _Opener(copies).call)
    opened = keras.Model(*pack_like(model, inputs, outputs), name=model.name)
    copies.load_weights()
    return opened


class _Opener:
    """Calls copies of what is inside of a layer in its place."""

    def __init__(self, copies, owner=None):
        self._copies = copies
        self._owner = owner  # name of the layer that was opened

    def call(self, layer, args, kwargs):
        name = layer.name
        if self._owner is not None:
            name = f"{self._owner}_{name}"
        if _is_patch_embedding(layer):
            return _embed_patches(layer, name, self._copies, args[0])
        if not _is_composite(layer):
            return self._copies.copy(layer, name)(*args, **kwargs)
        # What is inside of a copy need not be copied again, and keras-hub
        # 0.32's `ViTEncoderBlock` cannot: it rejects its own config.
        inside = _inside(layer, args, kwargs, copied=self._owner is not None)
        inputs = _tensors((args, kwargs))
        return graph.replay(inside, inputs, _Opener(self._copies, name).call)


def _inside(layer, args, kwargs, copied):
    """What a layer does, as a model of the layers inside of it."""
    inputs = {}
    for tensor in _tensors((args, kwargs)):
        inputs[id(tensor)] = keras.Input(
            batch_shape=tensor.shape, dtype=tensor.dtype
        )
    args, kwargs = keras.tree.map_structure(
        lambda item: inputs.get(id(item), item), (args, kwargs)
    )
    try:
        if not copied:
            layer = _copied(layer, args, kwargs)
        if "training" in inspect.signature(layer.call).parameters:
            kwargs = {"training": False, **kwargs}
        outputs = layer.call(*args, **kwargs)
        return keras.Model(list(inputs.values()), keras.tree.flatten(outputs))
    # Whatever a stranger's code raises on symbolic tensors.
    except Exception as error:
        raise unsupported(
            layer.name,
            type(layer).__name__,
            f"holds layers and cannot be opened: {error}",
            "Build the model from those layers.",
        ) from error


def _copied(layer, args, kwargs):
    """A built copy; the layer itself if it has no equal copy.

    Running its layers on symbolic tensors leaves a record in them, which
    changes nothing that they do.
    """
    try:
        copy = copy_layer(layer)
        copy(*args, **kwargs)  # builds what is inside
        load_copy(layer, copy)
        check_copy(layer, copy, args, kwargs)
    except (NotImplementedError, TypeError, ValueError):
        return layer
    return copy


def _tensors(items):
    """The Keras tensors among the arguments of a call, each once."""
    return list(
        {
            id(item): item
            for item in keras.tree.flatten(items)
            if isinstance(item, keras.KerasTensor)
        }.values()
    )


def _is_composite(layer):
    """Whether a layer is no model of a graph and holds layers with weights."""
    package = type(layer).__module__.partition(".")[0]
    if package in _KNOWN_PACKAGES or not isinstance(layer, keras.layers.Layer):
        return False
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return False  # a subclass of a known layer
    return any(part.weights for part in parts_of(layer))


# By its name: keras-hub takes seconds to import and may not be installed.
def _is_patch_embedding(layer):
    """Whether a layer is the embedding of keras-hub's ViT."""
    kind = type(layer)
    package = kind.__module__.partition(".")[0]
    return package == "keras_hub" and kind.__name__ == "ViTPatchingAndEmbedding"


def _embed_patches(layer, name, copies, images):
    """What the embedding of keras-hub's ViT computes, in two layers.

    Args:
        layer: The `ViTPatchingAndEmbedding`.
        name: Its name in the new model.
        copies: `LayerCopies` of that model.
        images: Keras tensor.

    Returns:
        Keras tensor, the tokens.
    """
    patches = copies.copy(layer.patch_embedding, f"{name}_patches")
    embedding = TokenEmbedding(
        layer.use_class_token,
        data_format=layer.data_format,
        dtype=layer.dtype_policy,
        name=copies.unique_name(name),
    )
    tokens = embedding(patches(images))
    positions = to_numpy(layer.position_embedding.embeddings)
    arrays = []
    if layer.use_class_token:
        arrays = [to_numpy(layer.class_token)[0], positions[:1]]
        positions = positions[1:]
    shape = embedding.positions.shape
    embedding.set_weights([*arrays, positions.reshape(shape)])
    return tokens
