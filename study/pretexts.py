"""Pretrain the coders of a network before it is trained."""

import keras
import numpy as np

from keras_pnnh.applications import PlainResNet20
from keras_pnnh.layers import Coder

ACTIVATIONS = "activations"


def pretrain_coders(model, pretext, images, seed):
    """Fit every coder of `model` to the pretext; returns the errors by name.

    Args:
        model: A `PlainResNet` with the widths of the CIFAR family.
        pretext: A name of `Coder.pretrain`, or `"activations"`: what a
            trained PlainResNet20 puts out in the middle of the same stage.
        images: Pixels that the activations are computed from.
        seed: Seed of the samples.
    """
    errors = {}
    for layer in model.layers:
        if isinstance(layer, Coder):
            source = pretext
            if pretext == ACTIVATIONS:
                stage = layer.name.split("_")[0]
                source = _activations(f"{stage}_block2_relu2", images)
            errors[layer.name] = layer.pretrain(pretext=source, seed=seed)
    return errors


def _activations(name, images):
    """A pretext that draws single positions of a layer's output."""
    trained = PlainResNet20(
        weights="cifar10", input_shape=tuple(images.shape[1:])
    )
    layer = keras.Model(trained.inputs, trained.get_layer(name).output)
    outputs = layer.predict(images, verbose=0)
    positions = outputs.reshape(-1, outputs.shape[-1])
    # As large as the rectified normal, so that only the shape differs.
    positions = positions / np.sqrt(2 * np.mean(np.square(positions)))

    def draw(shape, generator):
        return positions[generator.integers(len(positions), size=shape[0])]

    return draw
