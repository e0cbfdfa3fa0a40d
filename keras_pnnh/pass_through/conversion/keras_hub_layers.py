"""Layers of keras-hub that are no graph of ordinary ones, in ours.

By their names: keras-hub takes seconds to import and may not be installed.
"""

from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import TokenEmbedding


def is_patch_embedding(layer):
    """Whether a layer is the embedding of keras-hub's ViT."""
    kind = type(layer)
    package = kind.__module__.partition(".")[0]
    return package == "keras_hub" and kind.__name__ == "ViTPatchingAndEmbedding"


def embed_patches(layer, name, copies, images):
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
