"""The path across two non-linearities: what it is the same as, and a chain."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "study"))

from block_path import BlockPathResNet

from keras_pnnh import fold
from keras_pnnh.applications import PlainResNet
from keras_pnnh.graph.layer_copies import to_numpy

SMALL = {"blocks_per_stage": (1, 2, 1), "input_shape": (8, 8, 3)}


def randomise(model):
    """Values no layer is made with, so that no two of them agree by chance."""
    generator = np.random.default_rng(0)
    for variable in model.variables:
        if "coder" not in variable.path and "seed" not in variable.path:
            variable.assign(generator.uniform(0.1, 0.6, variable.shape))


def images(count=2):
    return np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3))


def test_with_a_full_code_it_is_the_residual_twin():
    model = BlockPathResNet(**SMALL)
    twin = PlainResNet(
        **SMALL, filters_per_stage=(16, 32, 64), internal_path="residual"
    )
    randomise(model)
    for layer in twin.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    outputs, expected = model.predict(images()), twin.predict(images())
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("learner_ratio", [0.25, 1.0])
@pytest.mark.parametrize("code_ratio", [0.75, 1.0])
def test_it_is_what_the_library_builds(learner_ratio, code_ratio):
    ratios = {"learner_ratio": learner_ratio, "code_ratio": code_ratio}
    model = BlockPathResNet(**SMALL, **ratios)
    same = PlainResNet(
        **SMALL,
        **ratios,
        filters_per_stage=(16, 32, 64),
        code_placement="concat",
    )
    randomise(model)
    for layer in same.layers:
        # The library's second layers have a scale of the coder, 1 at first.
        weights = {
            weight.path: weight
            for weight in model.get_layer(layer.name).weights
        }
        for weight in layer.weights:
            if weight.path in weights:
                weight.assign(to_numpy(weights[weight.path]))
    outputs, expected = model.predict(images()), same.predict(images())
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_a_block_is_two_convolutions_in_a_chain(ratio):
    """`[L1, E]`, then `[L2; D]`, written out with NumPy for 1x1 images."""
    model = BlockPathResNet(
        input_shape=(None, None, 3),
        blocks_per_stage=(2, 1, 1),
        learner_ratio=ratio,
        code_ratio=0.5,
        coder_initializer="selection",
    )
    randomise(model)
    name = "stage1_block2"
    folded = {
        number: fold(
            keras.Model(
                (tensor := keras.Input((None, None, channels))),
                model.get_layer(f"{name}_conv{number}")(tensor),
            )
        )
        for number, channels in ((1, 16), (2, round(16 * ratio)))
    }
    kernels = {
        number: next(
            layer for layer in chain.layers if layer.weights
        ).get_weights()
        for number, chain in folded.items()
    }
    encoder, decoder = model.get_layer("stage1_coder").get_weights()
    first = np.concatenate([kernels[1][0][1, 1], encoder], axis=-1)
    second = np.concatenate([kernels[2][0][1, 1], decoder])
    bias = np.concatenate([kernels[1][1], np.zeros(8)])
    x = np.random.default_rng(2).uniform(size=(3, 1, 1, 16)).astype("float32")
    hidden = np.maximum(x @ first + bias, 0)
    expected = np.maximum(hidden @ second + kernels[2][1], 0)
    block = keras.Model(
        model.get_layer("stage1_block1_relu2").output,
        model.get_layer(f"{name}_relu2").output,
    )
    np.testing.assert_allclose(block.predict(x), expected, rtol=1e-4)
