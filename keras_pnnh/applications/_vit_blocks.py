"""The blocks of a vision Transformer, and what carries its tokens."""

import dataclasses
from typing import Any

import keras

from keras_pnnh.applications import _builder
from keras_pnnh.applications._coded_blocks import (
    CODER_TRAINING,
    INTERNAL_PATHS,
)
from keras_pnnh.layers import (
    Coder,
    PlainAttention,
    PlainDense,
    TokenEmbedding,
)

TOKEN_MIXING = ("shaped", "identity_heads", "softmax")
# Initial values of the coder of the attention, which has no non-linearity
# inside, and of that of the MLP, whose pairs pass a GELU exactly.
CODER_INITIALIZERS = {
    "closed_form": ("closed_form", "closed_form"),
    "orthogonal": ("random", "orthogonal_pairs"),
}
EPSILON = 1e-6  # of all layer normalisations


@dataclasses.dataclass(frozen=True)
class TransformerBlocks:
    """Builds the trunk of one network. The attributes are `PlainViT`'s."""

    num_layers: int
    num_heads: int
    hidden_dim: int
    mlp_dim: int
    patch_size: int
    class_token: bool
    internal_path: str
    token_mixing: str
    learner_gain: float
    coder_training: str
    coder_initializer: str
    dropout_rate: float
    data_format: str
    dtype: Any

    def __post_init__(self):
        for name, values in (
            ("internal_path", INTERNAL_PATHS),
            ("token_mixing", TOKEN_MIXING),
            ("coder_training", CODER_TRAINING),
            ("coder_initializer", tuple(CODER_INITIALIZERS)),
        ):
            _builder.check_choice(name, getattr(self, name), values)
        if self.hidden_dim % self.num_heads:
            raise ValueError(
                "The heads share the channels, so `num_heads` must divide "
                f"`hidden_dim`. Received: num_heads={self.num_heads}, "
                f"hidden_dim={self.hidden_dim}."
            )
        if self.internal_path == "coder" and self.mlp_dim < 2 * self.hidden_dim:
            raise ValueError(
                "The coder's pairs travel in the hidden layer of the MLP, so "
                "`mlp_dim` must be at least twice `hidden_dim`. Received: "
                f"mlp_dim={self.mlp_dim}, hidden_dim={self.hidden_dim}. Try "
                f"{4 * self.hidden_dim}."
            )

    def embed(self, images):
        """Tokens of the patches."""
        x = keras.layers.Conv2D(
            self.hidden_dim,
            self.patch_size,
            self.patch_size,
            data_format=self.data_format,
            dtype=self.dtype,
            name="patch_embedding",
        )(images)
        x = TokenEmbedding(
            self.class_token,
            data_format=self.data_format,
            dtype=self.dtype,
            name="token_embedding",
        )(x)
        return self._dropout(x, "embedding_dropout")

    def trunk(self, x):
        """All blocks and the last normalisation."""
        attention_coder, mlp_coder = self._coders()
        for block in range(1, self.num_layers + 1):
            name = f"block{block}"
            outputs = self._attention(x, attention_coder, name)
            x = self._end(x, outputs, f"{name}_add1")
            outputs = self._mlp(x, mlp_coder, name)
            x = self._end(x, outputs, f"{name}_add2")
        return self._norm(x, "norm")

    def _coders(self):
        """The coders of attention and MLP, each shared by all blocks."""
        if self.internal_path != "coder":
            return None, None
        scales = {"frozen": 0.0, "scaled": 1.0 / self.num_layers, "free": 1.0}
        scale = scales[self.coder_training]
        attention, mlp = CODER_INITIALIZERS[self.coder_initializer]
        return (
            Coder(
                self.hidden_dim,
                activation="linear",
                initializer=attention,
                gradient_scale=scale,
                dtype=self.dtype,
                name="attention_coder",
            ),
            Coder(
                self.hidden_dim,
                2 * self.hidden_dim,
                activation="gelu",
                initializer=mlp,
                gradient_scale=scale,
                dtype=self.dtype,
                name="mlp_coder",
            ),
        )

    def _attention(self, x, coder, name):
        x = self._norm(x, f"{name}_norm1")
        shaped = coder is not None and self.token_mixing == "shaped"
        beside = coder is not None and self.token_mixing == "identity_heads"
        layer = PlainAttention(
            self.num_heads,
            token_mixing="shaped" if shaped else "softmax",
            identity_heads=self.num_heads if beside else 0,
            learner_gain=self._gain(coder),
            dtype=self.dtype,
            name=f"{name}_attention",
        )
        if coder is None:
            return layer(x)
        return layer(x, coder(x, part="encoder"), coder(x, part="decoder"))

    def _mlp(self, x, coder, name):
        x = self._norm(x, f"{name}_norm2")
        x = self._dense(x, coder, "encoder", self.mlp_dim, f"{name}_dense1")
        # With the error function: the pairs pass any GELU, published weights
        # were trained with this one.
        x = keras.layers.Activation(
            "gelu", dtype=self.dtype, name=f"{name}_gelu"
        )(x)
        return self._dense(
            x, coder, "decoder", self.hidden_dim, f"{name}_dense2"
        )

    def _dense(self, x, coder, part, units, name):
        layer = PlainDense(
            units,
            learner_gain=self._gain(coder),
            dtype=self.dtype,
            name=name,
        )
        if coder is None:
            return layer(x)
        matrix = coder(x, part=part)
        return layer(x, matrix)

    def _gain(self, coder):
        return 1.0 if coder is None else self.learner_gain

    def _end(self, x, outputs, name):
        if self.internal_path != "residual":
            return outputs
        return keras.layers.Add(dtype=self.dtype, name=name)([x, outputs])

    def _norm(self, x, name):
        return keras.layers.LayerNormalization(
            epsilon=EPSILON, dtype=self.dtype, name=name
        )(x)

    def _dropout(self, x, name):
        # Not inside the blocks: behind a coder it would drop the carry.
        if not self.dropout_rate:
            return x
        return keras.layers.Dropout(
            self.dropout_rate, dtype=self.dtype, name=name
        )(x)

    def pyramid(self, x, grid):
        """The tokens of the patches as the one feature map of their size.

        Args:
            x: Tokens, the class token first if there is one.
            grid: Numbers of patches along height and width.
        """
        level = self.patch_size.bit_length() - 1
        if self.patch_size != 2**level:
            return {}
        if self.class_token:
            x = keras.layers.Cropping1D(
                (1, 0), dtype=self.dtype, name="map_crop"
            )(x)
        x = keras.layers.Reshape(
            (*grid, self.hidden_dim), dtype=self.dtype, name="map"
        )(x)
        if self.data_format == "channels_first":
            x = keras.layers.Permute(
                (3, 1, 2), dtype=self.dtype, name="map_channels_first"
            )(x)
        return {f"P{level}": x}

    def pool(self, x, include_top, pooling):
        """What the classifier reads, or the features asked for."""
        if include_top:
            pooling = "token" if self.class_token else "avg"
            x = self._dropout(self._pool(x, pooling), "head_dropout")
            return x
        return x if pooling is None else self._pool(x, pooling)

    def _pool(self, x, pooling):
        if self.class_token:
            patches = x.shape[1] - 1
            cropping = (0, patches) if pooling == "token" else (1, 0)
            x = keras.layers.Cropping1D(
                cropping, dtype=self.dtype, name="pool_crop"
            )(x)
        layer = {
            "token": keras.layers.Flatten,
            "avg": keras.layers.GlobalAveragePooling1D,
            "max": keras.layers.GlobalMaxPooling1D,
        }[pooling]
        return layer(dtype=self.dtype, name="pool")(x)
