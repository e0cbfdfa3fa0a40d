"""Freeze the first layers of a network for fine-tuning."""

from keras_pnnh.training.layer_groups import (
    belongs,
    check_names,
    ordered_layers,
)


def freeze(model, until="head"):
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

    Returns:
        List of the names of the frozen layers.

    Raises:
        ValueError: If no layer with weights has that name.
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
    return [layer.name for layer in layers[:first]]
