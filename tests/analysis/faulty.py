"""Networks with planted faults, and one without."""

import keras
import numpy as np
from keras import layers

WIDTH = 32
DEPTH = 6


def chain():
    """Six dense layers with orthogonal weights, batch norms and ReLUs."""
    x = keras.Input((WIDTH,), name="x")
    y = x
    for number in range(1, DEPTH + 1):
        y = layers.Dense(
            WIDTH,
            use_bias=False,
            kernel_initializer="orthogonal",
            name=f"dense{number}",
        )(y)
        y = layers.BatchNormalization(name=f"norm{number}")(y)
        y = layers.ReLU(name=f"relu{number}")(y)
    return keras.Model(x, layers.Dense(10, name="head")(y), name="chain")


def plant_dead_layer(model):
    """A beta so low that no unit of layer 4 is ever positive."""
    model.get_layer("norm4").beta.assign(np.full(WIDTH, -100.0))


def plant_collapse(model):
    """A beta so high that layer 4 tells nobody what came in."""
    model.get_layer("norm4").beta.assign(np.full(WIDTH, 100.0))


def plant_rank_loss(model):
    """Filters of layer 4 that all look at the same two directions."""
    normal = np.random.default_rng(0).standard_normal
    kernel = normal((WIDTH, 2)) @ normal((2, WIDTH))
    model.get_layer("dense4").kernel.assign(kernel)


def plant_not_finite(model):
    model.get_layer("norm4").beta.assign(np.full(WIDTH, np.inf))


def inputs(count=1000):
    return (
        np.random.default_rng(0)
        .standard_normal((count, WIDTH))
        .astype("float32")
    )
