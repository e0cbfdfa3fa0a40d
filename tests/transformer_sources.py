"""Transformers in the manners in which people write them, and their kin."""

import keras
from keras import layers, ops


def tokens(block, width=8, length=5):
    """A model of blocks on tokens, with a norm and a pooled head."""
    inputs = keras.Input((length, width))
    x = layers.LayerNormalization(epsilon=1e-5)(block(inputs))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))


def mlp(x, activation="gelu", width=8):
    x = layers.Dense(12, activation=activation)(x)
    return layers.Dense(width)(layers.Dropout(0.1)(x))


def pre_norm(x):
    """Vaswani et al. 2017 with the norm in front; the form of the ViT."""
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4, dropout=0.1)(y, y)])
    return x + mlp(layers.LayerNormalization(epsilon=1e-6)(x))


def odd_heads(x):
    """Widths of their own, no biases, only what came before is seen."""
    y = layers.LayerNormalization(center=False)(x)
    # With dropout: without it, Keras on JAX wants values as wide as keys.
    attention = layers.MultiHeadAttention(
        3, 5, value_dim=2, dropout=0.1, use_bias=False
    )
    x = x + attention(query=y, value=y, use_causal_mask=True)
    return x + mlp(layers.LayerNormalization(scale=False)(x), "relu")


def parallel(x):
    """One norm, read by both branches, both in one sum."""
    y = layers.RMSNormalization()(x)
    return layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y), mlp(y)])


def post_norm(x):
    """The norm on the stream, or at the end of the branch."""
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    return x + layers.LayerNormalization()(mlp(x, keras.activations.silu))


def convolutions(x):
    """Of time series: convolutions of one token, and batch norms."""
    y = layers.LayerNormalization()(x)
    x = layers.MultiHeadAttention(key_dim=4, num_heads=2)(y, y) + x
    y = layers.Conv1D(12, 1, activation="relu")(layers.LayerNormalization()(x))
    y = layers.BatchNormalization()(layers.BatchNormalization()(y))
    return layers.SpatialDropout1D(0.1)(layers.Conv1D(8, 1)(y)) + x


def scaled(x):
    """Branches times constants."""
    y = layers.LayerNormalization()(x)
    x = x + 0.1 * layers.MultiHeadAttention(2, 4)(y, y)
    return x - layers.Rescaling(-0.2)(mlp(layers.LayerNormalization()(x)))


BLOCKS = {
    block.__name__: block
    for block in (
        convolutions,
        odd_heads,
        parallel,
        post_norm,
        pre_norm,
        scaled,
    )
}


class Encoder(layers.Layer):
    """A block as a layer that holds layers, one of them such a layer, too."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.norm = layers.LayerNormalization(name="norm")
        self.attention = layers.MultiHeadAttention(2, 4, name="attention")
        self.mlp = Mlp(width, name="mlp")

    def call(self, inputs, training=None):
        y = self.norm(inputs)
        x = inputs + self.attention(y, y, training=training)
        return x + self.mlp(x)


class Mlp(layers.Layer):
    """A layer that rejects its own config."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.LayerNormalization(name="norm")
        self.denses = [
            layers.Dense(12, "gelu", name="first"),
            layers.Dense(width, name="second"),
        ]

    def call(self, x):
        x = self.norm(x)
        for dense in self.denses:
            x = dense(x)
        return x

    def get_config(self):
        return {**super().get_config(), "depth": 2}


class Positions(layers.Layer):
    """A token for the class and positions, as variables of its own."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]))
        self.positions = self.add_weight(shape=(1, shape[1] + 1, shape[-1]))

    def call(self, inputs):
        token = ops.convert_to_tensor(self.token)
        token = ops.repeat(token, ops.shape(inputs)[0], axis=0)
        tokens = ops.concatenate([token, inputs], axis=1)
        return tokens + ops.convert_to_tensor(self.positions)

    def compute_output_shape(self, shape):
        return shape[0], shape[1] + 1, shape[2]


def vision_transformer():
    """Convolutions with a skip, patches, encoders as layers, `x[:, 0]`."""
    images = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same")(images)
    x = layers.ReLU()(x + layers.Conv2D(4, 3, padding="same")(x))
    x = layers.Conv2D(8, 4, 4)(x)
    x = Positions(name="positions")(layers.Reshape((4, 8))(x))
    x = Encoder(8, name="encoder2")(Encoder(8, name="encoder1")(x))
    x = layers.LayerNormalization()(x)[:, 0]
    return keras.Model(images, layers.Dense(3)(x))


def residual_mlp():
    """On vectors, behind a pooled image."""
    images = keras.Input((6, 6, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3)(images))
    for _ in range(2):
        x = layers.Add()([x, mlp(layers.LayerNormalization()(x), "silu")])
    return keras.Model(images, layers.Dense(3)(x))


def convnext():
    """Liu et al. 2022: norms and dense layers on images, a learned scale."""
    images = keras.Input((6, 7, 3))
    x = layers.Conv2D(4, 3)(images)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.LayerNormalization(epsilon=1e-6)(y)
    y = layers.Dense(4)(layers.Dense(16, activation="gelu")(y))
    x = layers.GlobalAveragePooling2D()(x + y * 0.5)
    return keras.Model(images, layers.Dense(3)(x))
