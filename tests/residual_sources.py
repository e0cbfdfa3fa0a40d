"""Residual networks in the manners in which people write them."""

import keras
import numpy as np
from keras import layers

from keras_pnnh.graph.layer_copies import to_numpy


def trained_like(model, seed=0):
    """Moves everything that a conversion could forget from its start.

    Kernels and the statistics of the norms are random, biases are not zero,
    and half of the norms have a gain that pushes what follows beyond 6.
    """
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            width = layer.moving_mean.shape
            if layer.scale:
                gain = rng.choice([1, 4])
                layer.gamma.assign(gain * rng.uniform(0.5, 1.5, width))
            if layer.center:
                layer.beta.assign(rng.normal(0, 1, width))
            layer.moving_mean.assign(rng.normal(0, 0.5, width))
            layer.moving_variance.assign(rng.uniform(0.5, 2, width))
            continue
        for weight in layer.weights:
            shape = weight.shape
            if weight.name == "bias":
                weight.assign(rng.normal(0, 0.3, shape))
            elif weight.name.endswith("kernel"):
                apart = isinstance(layer, layers.DepthwiseConv2D)
                apart = apart or weight.name == "depthwise_kernel"
                fan_in = np.prod(shape[:2] if apart else shape[:-1])
                weight.assign(rng.normal(0, fan_in**-0.5, shape))
    return model


def largest(model, layer_name, images):
    """Largest input of a layer."""
    layer = model.get_layer(layer_name)
    values = keras.Model(model.input, layer.input)(images, training=False)
    return float(to_numpy(values).max())


def conv(x, filters, size=3, strides=1, name=None, **arguments):
    # Random initial values take longer than all the rest; see `trained_like`.
    arguments = {"kernel_initializer": "zeros", **arguments}
    arguments = {"padding": "same", "use_bias": False, **arguments}
    return layers.Conv2D(filters, size, strides, name=name, **arguments)(x)


def norm(x, name=None):
    return layers.BatchNormalization(name=name)(x)


def torch_conv(x, filters, size=3, strides=1, name=None):
    """Padding as in torch: the same on all sides."""
    if size > 1:
        pad = f"{name}_pad" if name else None
        x = layers.ZeroPadding2D(size // 2, name=pad)(x)
    return conv(x, filters, size, strides, name, padding="valid")


def head(x, classes=3):
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(classes, name="logits")(x)


def basic(x, filters, strides, make=conv):
    """He et al. 2015, figure 2, projection where the shape changes."""
    shortcut = x
    if strides > 1 or x.shape[-1] != filters:
        shortcut = norm(make(x, filters, 1, strides))
    y = layers.ReLU()(norm(make(x, filters, 3, strides)))
    y = norm(make(y, filters))
    return layers.ReLU()(layers.Add()([shortcut, y]))


def torch_basic(x, filters, strides):
    return basic(x, filters, strides, torch_conv)


def bottleneck(x, filters, strides):
    """The stride on the 3x3; biases; the shortcut second; one name of ReLU."""
    y = layers.Activation("relu")(norm(conv(x, filters // 4, 1, use_bias=True)))
    y = layers.Activation("relu")(norm(conv(y, filters // 4, 3, strides)))
    y = norm(conv(y, filters, 1, use_bias=True))
    if strides > 1 or x.shape[-1] != filters:
        x = norm(conv(x, filters, 1, strides))
    return layers.Activation("relu")(y + x)


def preactivation(x, filters, strides):
    """He et al. 2016: the stream is signed, and not only normalised."""
    y = layers.ReLU()(norm(x))
    if strides > 1 or x.shape[-1] != filters:
        x = conv(y, filters, 1, strides, use_bias=True)
    y = layers.ReLU()(norm(conv(y, filters, 3, strides)))
    y = layers.Dropout(0.5)(y)
    return layers.Add()([conv(y, filters), x])


def preactivation_pool(x, filters, strides):
    """The shortcut is taken before the pre-activation and pooled."""
    y = layers.ReLU()(norm(x))
    y = layers.ReLU()(norm(conv(y, filters, 1)))
    y = conv(layers.ZeroPadding2D(1)(y), filters, 3, strides, padding="valid")
    if strides > 1:
        x = layers.MaxPooling2D(1, strides=strides)(x)
    if x.shape[-1] != filters:
        x = conv(x, filters, 1)
    return layers.Add()([x, y])


def inverted(x, filters, strides):
    """MobileNetV2: ReLU6 inside of the block, a linear end, odd padding."""
    y = layers.ReLU(6.0)(norm(conv(x, 3 * x.shape[-1], 1)))
    if strides > 1:
        even = [1 - size % 2 for size in x.shape[1:3]]
        y = layers.ZeroPadding2D([(1 - e, 1) for e in even])(y)
    padding = "same" if strides == 1 else "valid"
    y = layers.DepthwiseConv2D(3, strides, padding=padding, use_bias=False)(y)
    y = norm(conv(layers.ReLU(6.0)(norm(y)), filters, 1))
    if strides > 1 or x.shape[-1] != filters:
        return y
    return layers.Add()([x, y])


def average_shortcut(x, filters, strides):
    """ResNet-D: the shortcut averages before its 1x1."""
    y = layers.ReLU()(norm(conv(x, filters // 2, 1)))
    y = norm(conv(y, filters, 3, strides))
    if strides > 1:
        x = layers.AveragePooling2D(2, strides, padding="same")(x)
    if x.shape[-1] != filters:
        x = norm(conv(x, filters, 1))
    return layers.ReLU()(layers.Add()([y, x]))


def xception(x, filters, strides):
    """Separable convolutions; the learner pools, the shortcut strides."""
    y = layers.SeparableConv2D(filters, 3, padding="same")(layers.ReLU()(x))
    y = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(
        layers.ReLU()(norm(y))
    )
    y = norm(y)
    if strides > 1:
        y = layers.MaxPooling2D(3, strides, padding="same")(y)
    if strides > 1 or x.shape[-1] != filters:
        x = norm(conv(x, filters, 1, strides))
    return layers.Add()([y, x])


def grouped(x, filters, strides):
    """ResNeXt, with a fused activation and a 3x3 on the shortcut."""
    y = conv(x, filters, 1, activation="relu", use_bias=True)
    y = conv(y, filters, 3, strides, groups=2)
    if strides > 1 or x.shape[-1] != filters:
        x = conv(x, filters, 3, strides, use_bias=True)
    return layers.LeakyReLU(0.1)(layers.add([norm(y), norm(x)]))


def nested(x, filters, strides):
    """A shortcut inside of a shortcut, three terms in one sum."""
    y = z = layers.ReLU()(conv(x, filters, 3, strides))
    z = layers.ReLU()(norm(conv(z, filters)))
    z = layers.Add()([conv(z, filters), y])
    y = layers.Add()([z, y, conv(x, filters, 1, strides, use_bias=True)])
    return layers.ELU()(y)


def late_activation(x, filters, strides):
    """What is added has been rectified; both branches are long."""
    y = layers.ReLU()(norm(conv(x, filters, 3, strides)))
    y = layers.ReLU()(conv(y, filters, 3, dilation_rate=2))
    if strides > 1 or x.shape[-1] != filters:
        x = layers.ReLU()(norm(conv(x, filters, 5, strides)))
    return layers.Add()([x, y])


def one_layer(x, filters, strides):
    """Both branches stride at once: one layer is the whole block."""
    y = conv(x, filters, 3, strides)
    z = conv(x, filters, 1, strides)
    return keras.ops.relu(norm(layers.Add()([norm(y), norm(z)])))


def zero_padded(x, filters, strides):
    """What keras_pnnh's own twins do."""
    from keras_pnnh.layers import ZeroPaddingShortcut

    y = layers.ReLU()(norm(conv(x, filters, 3, strides)))
    y = norm(conv(y, filters))
    return layers.ReLU()(ZeroPaddingShortcut(filters, strides)(x) + y)


BLOCKS = {
    block.__name__: block
    for block in (
        average_shortcut,
        basic,
        bottleneck,
        grouped,
        inverted,
        late_activation,
        nested,
        one_layer,
        preactivation,
        preactivation_pool,
        torch_basic,
        xception,
        zero_padded,
    )
}


def network(blocks, size=(8, 8), filters=4, seed=0):
    """A stem, blocks, a head.

    Args:
        blocks: List of `(name, filters, strides)`.
        size: Pixels of an image.
        filters: Channels of the stem.
        seed: Of the numbers that training would have found.
    """
    images = keras.Input((*size, 3), name="images")
    x = layers.ReLU()(norm(conv(images, filters)))
    for name, width, strides in blocks:
        x = BLOCKS[name](x, width, strides)
    return trained_like(keras.Model(images, head(x)), seed)
