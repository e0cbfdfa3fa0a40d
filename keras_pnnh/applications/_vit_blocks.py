"""The blocks of a vision Transformer: tokens in, tokens out."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_pnnh.layers import (
    Coder,
    PlainAttention,
    PlainDense,
    TokenEmbedding,
)

EPSILON = 1e-6  # of all layer normalisations

# Question 2 of `study/lab_book.md`, table `vit-coder`: 1 is far behind.
LEARNER_GAIN = 0.3


@dataclasses.dataclass(frozen=True)
class TokenLayers:
    """Makes the layers of one Transformer, all with the same settings.

    Attributes:
        internal_path: `"coder"`, `"residual"` or `"none"`.
        dtype: Dtype policy.
        token_mixing: `"shaped"`, `"identity_heads"` or `"softmax"`: how the
            tokens pass an attention layer with a coder.
        coder_training: `"frozen"`, `"scaled"` or `"free"`.
        learner_gain: Initial scale of a learner that a coder is added to.
    """

    internal_path: str
    dtype: Any
    token_mixing: str = "shaped"
    coder_training: str = "frozen"
    learner_gain: float = LEARNER_GAIN

    def coder(
        self,
        filters: int,
        code_filters: int,
        activation: str,
        uses: int,
        name: str,
    ) -> Coder | None:
        """A coder that `uses` blocks share, None on another path."""
        if self.internal_path != "coder":
            return None
        scales = {"frozen": 0.0, "scaled": 1.0 / uses, "free": 1.0}
        return Coder(
            filters,
            code_filters,
            activation=activation,
            gradient_scale=scales[self.coder_training],
            dtype=self.dtype,
            name=name,
        )

    def attention(
        self, x: Any, heads: int, coder: Coder | None, name: str
    ) -> Any:
        shaped = coder is not None and self.token_mixing == "shaped"
        further = coder is not None and self.token_mixing == "identity_heads"
        layer = PlainAttention(
            heads,
            token_mixing="shaped" if shaped else "softmax",
            identity_heads=heads if further else 0,
            learner_gain=self.gain(coder),
            dtype=self.dtype,
            name=name,
        )
        if coder is None:
            return layer(x)
        return layer(x, coder(x, part="encoder"), coder(x, part="decoder"))

    def dense(
        self, x: Any, units: int, coder: Coder | None, part: str, name: str
    ) -> Any:
        layer = PlainDense(
            units, learner_gain=self.gain(coder), dtype=self.dtype, name=name
        )
        return layer(x) if coder is None else layer(x, coder(x, part=part))

    def gain(self, coder: Coder | None) -> float:
        return 1.0 if coder is None else self.learner_gain

    def gelu(self, x: Any, name: str) -> Any:
        # With the error function: the pairs pass any GELU, published weights
        # were trained with this one.
        return keras.layers.Activation("gelu", dtype=self.dtype, name=name)(x)

    def norm(self, x: Any, name: str) -> Any:
        return keras.layers.LayerNormalization(
            epsilon=EPSILON, dtype=self.dtype, name=name
        )(x)

    def add(self, skip: Any, x: Any, name: str) -> Any:
        return keras.layers.Add(dtype=self.dtype, name=name)([skip, x])

    def dropout(self, x: Any, rate: float, name: str) -> Any:
        # Not inside the blocks, where it would drop what the coder carries.
        if not rate:
            return x
        return keras.layers.Dropout(rate, dtype=self.dtype, name=name)(x)


def embed(
    images: Any,
    filters: int,
    patch_size: int,
    class_token: bool,
    data_format: str,
    net: TokenLayers,
) -> Any:
    """Tokens of the patches, with their positions."""
    x = keras.layers.Conv2D(
        filters,
        patch_size,
        patch_size,
        data_format=data_format,
        dtype=net.dtype,
        name="patch_embedding",
    )(images)
    return TokenEmbedding(
        class_token,
        data_format=data_format,
        dtype=net.dtype,
        name="token_embedding",
    )(x)


def attention_block(
    x: Any, heads: int, coder: Coder | None, name: str, net: TokenLayers
) -> Any:
    """norm, attention: encoder into the values, decoder into the output."""
    y = net.norm(x, f"{name}_norm1")
    y = net.attention(y, heads, coder, f"{name}_attention")
    if net.internal_path == "residual":
        return net.add(x, y, f"{name}_add1")
    return y


def mlp_block(
    x: Any, mlp_dim: int, coder: Coder | None, name: str, net: TokenLayers
) -> Any:
    """norm, dense, GELU, dense: pairs into the hidden layer and out of it.

    The difference of a pair is exact: `gelu(u) - gelu(-u) = u`.
    """
    width = x.shape[-1]
    y = net.norm(x, f"{name}_norm2")
    y = net.dense(y, mlp_dim, coder, "encoder", f"{name}_dense1")
    y = net.gelu(y, f"{name}_gelu")
    y = net.dense(y, width, coder, "decoder", f"{name}_dense2")
    if net.internal_path == "residual":
        return net.add(x, y, f"{name}_add2")
    return y


def feature_map(
    x: Any,
    grid: Sequence[int],
    class_token: bool,
    data_format: str,
    net: TokenLayers,
) -> Any:
    """The tokens of the patches as an image; `grid` is its size."""
    width = x.shape[-1]
    if class_token:
        x = keras.layers.Cropping1D((1, 0), dtype=net.dtype, name="map_crop")(x)
    x = keras.layers.Reshape((*grid, width), dtype=net.dtype, name="map")(x)
    if data_format == "channels_first":
        x = keras.layers.Permute(
            (3, 1, 2), dtype=net.dtype, name="map_channels_first"
        )(x)
    return x


def pool(x: Any, pooling: str, class_token: bool, net: TokenLayers) -> Any:
    """The class token (`"token"`), or an average or maximum of the others."""
    if class_token:
        cropping = (0, x.shape[1] - 1) if pooling == "token" else (1, 0)
        x = keras.layers.Cropping1D(
            cropping, dtype=net.dtype, name="pool_crop"
        )(x)
    layer = {
        "token": keras.layers.Flatten,
        "avg": keras.layers.GlobalAveragePooling1D,
        "max": keras.layers.GlobalMaxPooling1D,
    }[pooling]
    return layer(dtype=net.dtype, name="pool")(x)
