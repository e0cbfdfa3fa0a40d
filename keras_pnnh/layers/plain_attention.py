"""Self-attention in which values, token mixing and output can carry."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh.layers._checks import (
    check_integer,
    check_number,
    check_positive_integers,
)
from keras_pnnh.layers.plain_dense import PlainDense
from keras_pnnh.layers.plain_layer import PlainLayer
from keras_pnnh.layers.values import numbers

TOKEN_MIXINGS = ("softmax", "shaped")


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainAttention(PlainLayer):
    """Multi-head self-attention of a plain network.

    The input crosses the layer through the values, the mixing of the tokens and
    the output, and nothing leads around them (reconstruction: the paper, arXiv
    2402.08645, mentions Transformers without giving a block). Values and output
    are `PlainDense` layers, learner plus coder in one kernel; queries and keys,
    which carry nothing, are learners only. Tokens are mixed by

    | `token_mixing` | weights of the tokens                       |
    |----------------|---------------------------------------------|
    | `"softmax"`    | `A`, the softmax of queries and keys        |
    | `"shaped"`     | `alpha I + beta A - gamma C`, for each head |

    where `C` averages all tokens. `"shaped"` (Noci et al. 2023, arXiv
    2306.17759; He and Hofmann 2023, arXiv 2311.01906) starts with
    `beta = gamma`, so that a softmax that does not tell the tokens apart mixes
    nothing; without `C` the tokens' mean, which every layer adds once more,
    would soon be all that is left. `alpha` starts at 1 and `beta` at
    `learner_gain` (theirs: 1), since a random softmax is noise compared with
    what is carried. The sum is one matrix, not a second path.

    Identity heads are the alternative: further heads, before the others,
    whose tokens are not mixed at all. They carry what the coder puts into
    them and cost values and outputs of their own.

    Args:
        num_heads: Heads whose tokens are mixed. Their width is that of the
            input divided by their number.
        token_mixing: See above.
        identity_heads: Number of heads of the same width whose tokens stay as
            they are, at most `num_heads`.
        learner_gain: As in `PlainDense`, for values and output; the start of
            `beta` and `gamma`.

    Call arguments:
        inputs: `(batch, tokens, channels)`.
        encoder: None, or the coder's matrix for the values,
            `(channels, channels)` or smaller.
        decoder: None, or the coder's matrix for the output.

    Output shape: as the input.

    Raises:
        ValueError: If the heads do not divide the channels, for an unknown
            mixing, more identity heads than others, or a coder that does not
            fit.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import PlainAttention
    >>> PlainAttention(num_heads=2)(keras.Input((9, 8))).shape
    (None, 9, 8)
    """

    folds = True
    inner_layers = ("query", "key", "value", "output_dense")

    def __init__(
        self,
        num_heads: int,
        token_mixing: str = "softmax",
        identity_heads: int = 0,
        learner_gain: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(num_heads=num_heads)
        if token_mixing not in TOKEN_MIXINGS:
            raise ValueError(
                f"`token_mixing` must be one of {TOKEN_MIXINGS}. "
                f"Received: token_mixing={token_mixing!r}."
            )
        check_integer("identity_heads", identity_heads, least=0)
        if identity_heads > num_heads:
            raise ValueError(
                "Identity heads carry the coder's channels, which are at most "
                "those of the input, so `identity_heads` must be at most "
                f"`num_heads`. Received: identity_heads={identity_heads}, "
                f"num_heads={num_heads}."
            )
        check_number("learner_gain", learner_gain)
        self.num_heads = num_heads
        self.token_mixing = token_mixing
        self.identity_heads = identity_heads
        self.learner_gain = learner_gain
        self.alpha = self.beta = self.gamma = None

    def build(
        self,
        inputs_shape: tuple[Any, ...],
        encoder_shape: tuple[Any, ...] | None = None,
        decoder_shape: tuple[Any, ...] | None = None,
    ) -> None:
        channels = inputs_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                "The heads of an attention layer share its channels, so "
                "`num_heads` must divide them. Received: num_heads="
                f"{self.num_heads}, inputs with {channels} channels."
            )
        head_width = channels // self.num_heads
        values = (self.identity_heads + self.num_heads) * head_width
        if self.token_mixing == "shaped":
            self.alpha = self._add_scale("alpha", 1.0)
            self.beta = self._add_scale("beta", self.learner_gain)
            self.gamma = self._add_scale("gamma", self.learner_gain)
        self.query = self._dense(channels, "query")
        self.key = self._dense(channels, "key")
        self.value = self._dense(values, "value")
        self.output_dense = self._dense(channels, "output_dense")
        self.query.build(inputs_shape)
        self.key.build(inputs_shape)
        self.value.build(inputs_shape, encoder_shape)
        mixed_shape = (*inputs_shape[:-1], values)
        self.output_dense.build(mixed_shape, decoder_shape)

    def _add_scale(self, name, value):
        # Not cast to half precision: the mixing is computed in float32.
        return self.add_weight(
            name=name,
            shape=(self.num_heads,),
            initializer=keras.initializers.Constant(value),
            autocast=False,
        )

    def _dense(self, units, attribute):
        return PlainDense(
            units,
            self.learner_gain,
            dtype=self.dtype_policy,
            trainable=self.trains(attribute),
            name=attribute.removesuffix("_dense"),
        )

    def call(
        self, inputs: Any, encoder: Any = None, decoder: Any = None
    ) -> Any:
        values = self._heads(self.value(inputs, encoder))
        unmixed, values = (
            values[:, : self.identity_heads],
            values[:, self.identity_heads :],
        )
        weights = ops.cast(self._mixing(inputs), values.dtype)
        mixed = ops.matmul(weights, values)  # (batch, heads, tokens, width)
        if self.identity_heads:
            mixed = ops.concatenate([unmixed, mixed], axis=1)
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        tokens = ops.shape(inputs)[1]
        mixed = ops.reshape(mixed, (-1, tokens, self.value.units))
        return self.output_dense(mixed, decoder)

    def _mixing(self, inputs):
        """Weights of the tokens, `(batch, heads, tokens, tokens)`."""
        queries = self._heads(self.query(inputs))
        keys = self._heads(self.key(inputs))
        queries = queries * queries.shape[-1] ** -0.5
        logits = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))
        # In half precision the weights of many tokens would not sum to 1.
        weights = ops.softmax(ops.cast(logits, "float32"), axis=-1)
        if self.token_mixing == "softmax":
            return weights
        tokens = ops.shape(inputs)[1]
        alpha, beta, gamma = (
            ops.reshape(scale, (-1, 1, 1))
            for scale in (self.alpha, self.beta, self.gamma)
        )
        identity = ops.eye(tokens, dtype="float32")
        mean = gamma / ops.cast(tokens, "float32")
        return alpha * identity + (beta * weights - mean)

    def _heads(self, x):
        """`(batch, tokens, channels)` to `(batch, heads, tokens, width)`."""
        width = self.query.units // self.num_heads
        x = ops.reshape(x, (-1, ops.shape(x)[1], x.shape[-1] // width, width))
        return ops.transpose(x, (0, 2, 1, 3))

    def compute_output_shape(
        self,
        inputs_shape: tuple[Any, ...],
        encoder_shape: tuple[Any, ...] | None = None,
        decoder_shape: tuple[Any, ...] | None = None,
    ) -> tuple[Any, ...]:
        return tuple(inputs_shape)

    def fold_into(self, name: str) -> list[keras.layers.Layer]:
        # Keras has no attention whose tokens keep a share of themselves, so
        # it stays a layer of this class, with nothing to add any more.
        config = {**self.get_config(), "learner_gain": 1.0, "name": name}
        return [PlainAttention.from_config(config)]

    def folded_weights(
        self, encoder: Any = None, decoder: Any = None
    ) -> list[np.ndarray]:
        scales = (self.alpha, self.beta, self.gamma)
        weights = [numbers(scale) for scale in scales if scale is not None]
        weights += self.query.folded_weights() + self.key.folded_weights()
        weights += self.value.folded_weights(encoder)
        return weights + self.output_dense.folded_weights(decoder)

    def _denses(self):
        return self.query, self.key, self.value, self.output_dense

    def count_folded_parameters(self) -> int:
        spare = sum(
            dense.count_params() - dense.count_folded_parameters()
            for dense in self._denses()
        )
        return self.count_params() - spare

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int:
        tokens = inputs_shape[1]
        kernels = sum(
            dense.kernel.shape[0] * dense.units for dense in self._denses()
        )
        # Every pair of tokens: queries times keys, and the sum of the values.
        return tokens * kernels + tokens**2 * 2 * self.query.units

    def inner_floats(self, inputs_shape: tuple[Any, ...]) -> tuple[int, int]:
        # Queries, keys and values; then who sees whom, in every head.
        tokens = inputs_shape[1]
        width = self.query.units + self.key.units + self.value.units
        return tokens * width, self.num_heads * tokens**2

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "token_mixing": self.token_mixing,
            "identity_heads": self.identity_heads,
            "learner_gain": self.learner_gain,
        }
