"""What tests of folding share: models off their start, equal outputs."""

import keras
import numpy as np
from keras import layers

from keras_pnnh.folding import fold
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import Coder, PlainConv2D, PlainDepthwiseConv2D


def randomize(model, seed=0):
    """Move everything that folding could forget away from its start."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            width = layer.moving_mean.shape
            if layer.scale:
                layer.gamma.assign(
                    to_numpy(layer.gamma) * rng.uniform(0.5, 1.5, width)
                )
            if layer.center:
                layer.beta.assign(rng.normal(0, 0.2, width))
            layer.moving_mean.assign(rng.normal(0, 0.5, width))
            layer.moving_variance.assign(rng.uniform(0.5, 2, width))
        elif isinstance(layer, (PlainConv2D, PlainDepthwiseConv2D)):
            if layer.coder_scale is not None:
                width = layer.coder_scale.shape
                layer.coder_scale.assign(rng.uniform(0.8, 1.2, width))
            if layer.bias is not None:
                layer.bias.assign(rng.normal(0, 0.2, layer.bias.shape))
        elif isinstance(layer, Coder):
            for weight in layer.weights:
                # Small beside 1 in norm: the stream stays finite at any depth.
                noise = rng.normal(0, 0.05, weight.shape) / layer.filters**0.5
                weight.assign(to_numpy(weight) + noise)


def images(*shape):
    """Noise; one image much darker than the other."""
    noise = np.random.default_rng(1).uniform(0, 255, shape)
    noise[0] *= 0.2
    return noise.astype("float32")


def outputs_of(model, x, compiled=False):
    """Outputs in inference; on JAX a deep model is faster compiled."""
    if compiled:
        return model.predict(x, verbose=0)
    outputs = model(x, training=False)
    return keras.tree.map_structure(
        lambda y: keras.ops.convert_to_numpy(keras.ops.cast(y, "float32")),
        outputs,
    )


def assert_equal_outputs(folded, model, x, rtol=1e-4, compiled=False):
    expected = outputs_of(model, x, compiled)
    received = outputs_of(folded, x, compiled)
    keras.tree.assert_same_structure(expected, received)
    for want, got in zip(
        keras.tree.flatten(expected), keras.tree.flatten(received), strict=True
    ):
        scale = np.abs(want).max()
        assert np.isfinite(scale) and scale > 1e-3
        # Two images, two answers: a constant would fit any folding.
        assert np.abs(want[0] - want[1]).max() > 0.01 * scale
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * scale)


def names(model):
    return [layer.name for layer in model.layers]


def folded_equals(model, x, rtol=1e-4, compiled=False):
    randomize(model)
    folded = fold(model)
    assert_equal_outputs(folded, model, x, rtol, compiled)
    return folded
