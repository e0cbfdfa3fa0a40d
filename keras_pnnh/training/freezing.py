"""Freeze the first layers of a network for fine-tuning."""

from collections.abc import Iterator

import keras

from keras_pnnh.training.layer_groups import (
    belongs,
    check_names,
    ordered_layers,
)


def freeze(
    model: keras.Model, until: str = "head", norms: bool = False
) -> list[str]:
    """Freeze all layers before a stage, a block or a layer; thaw the others.

    A frozen layer keeps its weights, and its batch norm normalises with the
    moving statistics, which stand still: what the layer computes in training
    is what it computes in inference. Compile the model afterwards, since Keras
    decides then what is trained. Calling it again with an earlier name thaws
    gradually.

    A frozen coder (`coder_training="frozen"`) stays so in thawed stages.

    Args:
        model: A functional or sequential `keras.Model`. Layers of models
            inside it, such as the backbone of a keras-hub task, are found.
        until: Name of the first thing to train: `"stage3"`,
            `"stage3_block2"`, or a layer. `"head"`, the default, trains the
            classifier alone.
        norms: Whether the batch norms of what is trained stay in inference,
            too: the right thing for batches of few images. Calling the model
            with `training=False` does not do that under `fit`.

    Returns:
        List of the names of the frozen layers.

    Raises:
        ValueError: If no layer with weights has that name.

    Example:

    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import freeze
    >>> model = PlainResNet20(classes=2)
    >>> freeze(model, until="stage1_block2")[-1]
    'stage1_block1_conv2'
    """
    layers = ordered_layers(model)
    check_names(layers, [until], "until")
    first = next(i for i, layer in enumerate(layers) if belongs(layer, until))
    # The whole first: a layer inside a frozen model would stay frozen. There
    # and back, since on TensorFlow setting the value it has does nothing.
    model.trainable = False
    model.trainable = True
    for layer in layers[:first]:
        layer.trainable = False
    if norms:
        for norm in _batch_norms(model):
            norm.trainable = False
    return [layer.name for layer in layers[:first]]


def _batch_norms(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Those of a network, also those that its layers hold."""
    for layer in ordered_layers(model):
        for part in (layer, getattr(layer, "batch_norm", None)):
            if isinstance(part, keras.layers.BatchNormalization):
                yield part
