"""Residual networks that nobody wrote, from a seed."""

import keras
import numpy as np
from keras import layers
from residual_sources import conv, head, norm, trained_like

ACTIVATIONS = ("relu", "relu6", "gelu", "silu", "leaky_relu", "tanh")


def random_network(seed, rectified=False):
    """A stem and blocks of 2 or 3 branches, nested at random.

    Args:
        seed: Decides everything.
        rectified: Whether all non-linearities are ReLU or ReLU6, and nothing
            pools: then it can be written out.
    """
    return _Generator(seed, rectified).network()


class _Generator:
    def __init__(self, seed, rectified):
        self._rng = np.random.default_rng(seed)
        self._rectified = rectified
        self._seed = seed

    def network(self):
        size = tuple(int(n) for n in self._rng.integers(6, 12, 2))
        images = keras.Input((*size, 3))
        x = conv(images, 4)
        for _ in range(self._rng.integers(1, 4)):
            strides = int(self._rng.choice([1, 1, 2]))
            filters = int(self._rng.choice([4, 6]))
            x = self.block(x, filters, strides, 1 if self._rectified else 2)
            for _ in range(self._rng.integers(0, 2)):
                x = self.activation(norm(x) if self.coin() else x)
        return trained_like(keras.Model(images, head(x)), self._seed)

    def coin(self, probability=0.5):
        return bool(self._rng.random() < probability)

    def activation(self, x):
        names = ACTIVATIONS[:2] if self._rectified else ACTIVATIONS
        name = str(self._rng.choice(names))
        if name == "relu6":
            return layers.ReLU(6.0)(x)
        return layers.Activation(name)(x)

    def block(self, x, filters, strides, depth):
        same = strides == 1 and x.shape[-1] == filters
        count = 2 if self.coin(0.7) else 3
        branches = [x] if same and self.coin(0.6) else []
        while len(branches) < count:
            branches.append(self.branch(x, filters, strides, depth))
        self._rng.shuffle(branches)
        if count == 2 and self.coin(0.3):
            return branches[0] + branches[1]
        return layers.Add()(branches)

    def branch(self, x, filters, strides, depth):
        length = int(self._rng.integers(1, 5))
        turn = int(self._rng.integers(length))
        for place in range(length):
            width = filters if place == length - 1 else 4
            if place == turn and strides > 1:
                x = self.stride(x, width)
            elif depth and self.coin(0.15):
                x = self.block(x, width, 1, depth - 1)
            else:
                x = self.linear(x, width)
            if self.coin(0.6):
                x = norm(x)
            if self.coin(0.6):
                x = self.activation(x)
            if self.coin(0.1):
                x = layers.Dropout(0.3)(x)
        if x.shape[-1] != filters:
            x = conv(x, filters, 1)
        return x

    def linear(self, x, filters):
        kind = self._rng.integers(5)
        bias = self.coin()
        if kind == 0:
            x = layers.DepthwiseConv2D(3, padding="same", use_bias=bias)(x)
            return conv(x, filters, 1) if x.shape[-1] != filters else x
        if kind == 1:
            x = layers.ZeroPadding2D(1)(x)
            return conv(x, filters, 3, padding="valid", use_bias=bias)
        if kind == 2:
            return conv(x, filters, 3, dilation_rate=2, use_bias=bias)
        if kind == 3 and not self._rectified:
            return layers.SeparableConv2D(filters, 3, padding="same")(x)
        size = int(self._rng.choice([1, 1, 3, 5, 2]))
        return conv(x, filters, size, use_bias=bias)

    def stride(self, x, filters):
        kind = self._rng.integers(7)
        if kind == 0:
            x = layers.ZeroPadding2D(1)(x)
            return conv(x, filters, 3, 2, padding="valid")
        if kind == 1:
            x = layers.MaxPooling2D(1, 2)(x)
        elif kind == 2 and not self._rectified:
            x = layers.MaxPooling2D(3, 2, padding="same")(x)
        elif kind == 3 and not self._rectified:
            x = layers.AveragePooling2D(2, 2, padding="same")(x)
        elif kind == 4:
            x = layers.DepthwiseConv2D(3, 2, padding="same")(x)
        else:
            size = int(self._rng.choice([1, 3, 4]))
            return conv(x, filters, size, 2, use_bias=self.coin())
        return conv(x, filters, 1) if x.shape[-1] != filters else x
