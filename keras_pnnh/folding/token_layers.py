"""What folding and counting know of the layers of a Transformer."""

import math

import keras

from keras_pnnh import theory
from keras_pnnh.folding.folded_kernels import coder_numbers
from keras_pnnh.folding.folding_plan import CoderMatrix
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import (
    PlainAttention,
    PlainDense,
)

TOKEN_LAYERS = (PlainDense, PlainAttention)


def bind_token_call(layer, args, kwargs):
    """Inputs and coder matrices that a token layer is called with.

    Returns:
        The inputs, and a tuple of `CoderMatrix` or None for each matrix that
        the layer takes.

    Raises:
        ValueError: If something else is added than a coder's matrix.
    """
    bind = _dense_call if type(layer) is PlainDense else _attention_call
    inputs, *matrices = bind(*args, **kwargs)
    for matrix in matrices:
        if matrix is not None and not isinstance(matrix, CoderMatrix):
            raise ValueError(
                f"What a `{type(layer).__name__}` adds to its kernels must "
                "come from a `Coder`, or it cannot be folded. Received: layer "
                f"'{layer.name}' called with {matrix!r}. Pass it "
                "`coder(x, part='encoder')` or `coder(x, part='decoder')`."
            )
    return inputs, tuple(matrices)


def _dense_call(inputs, coder_kernel=None):
    return inputs, coder_kernel


def _attention_call(inputs, encoder=None, decoder=None):
    return inputs, encoder, decoder


def folded_token_layer(layer, name):
    """The layer that a token layer becomes, without its weights yet.

    Keras has no attention whose tokens keep a share of themselves, so
    attention stays a `PlainAttention`, with nothing to add any more.
    """
    if type(layer) is PlainAttention:
        config = {**layer.get_config(), "learner_gain": 1.0, "name": name}
        return PlainAttention.from_config(config)
    return keras.layers.Dense(
        layer.units,
        dtype=layer.dtype_policy,
        trainable=layer.trainable,
        name=name,
    )


def folded_token_weights(layer, matrices):
    """Weights of the folded layer, in its order, computed in float64."""
    if type(layer) is PlainDense:
        return _dense_weights(layer, *matrices)
    encoder, decoder = matrices
    scales = (layer.alpha, layer.beta, layer.gamma)
    weights = [to_numpy(scale) for scale in scales if scale is not None]
    weights += _dense_weights(layer.query) + _dense_weights(layer.key)
    weights += _dense_weights(layer.value, encoder)
    return weights + _dense_weights(layer.output_dense, decoder)


def _dense_weights(layer, matrix=None):
    kernel = to_numpy(layer.kernel).astype("float64")
    if layer.learner_scale is not None:
        kernel = kernel * to_numpy(layer.learner_scale)
    if matrix is not None:
        coder = coder_numbers(matrix) * to_numpy(layer.coder_scale)
        kernel = kernel + theory.pad_channels(coder, *kernel.shape)
    return [kernel, to_numpy(layer.bias)]


def count_folded_parameters(layer):
    """Parameters of the folded layer."""
    if type(layer) is PlainDense:
        scales = (layer.learner_scale, layer.coder_scale)
        spare = sum(scale.shape[0] for scale in scales if scale is not None)
        return layer.count_params() - spare
    denses = (layer.query, layer.key, layer.value, layer.output_dense)
    own = layer.count_params() - sum(dense.count_params() for dense in denses)
    return own + sum(map(count_folded_parameters, denses))


def attention_sizes(call):
    """Floats that an attention layer holds inside.

    Returns:
        Those beside its input, and those that may take the input's place; None
        for any other layer.
    """
    layer = call.layer
    if hasattr(layer, "inner_floats"):
        return layer.inner_floats(call.inputs[0].shape)
    known = (PlainAttention, keras.layers.MultiHeadAttention)
    if not isinstance(layer, known):
        return None
    tokens = call.inputs[0].shape[1]
    if isinstance(layer, keras.layers.MultiHeadAttention):
        width = layer.num_heads * (2 * layer.key_dim + layer.value_dim)
        return tokens * width, layer.num_heads * tokens**2
    width = sum(dense.units for dense in (layer.query, layer.key, layer.value))
    return tokens * width, layer.num_heads * tokens**2


def count_multi_head_macs(call):
    """Multiply-accumulates of a `MultiHeadAttention`, for a batch of 1."""
    layer = call.layer
    query, value, *key = call.inputs[:3]
    sizes = [
        math.prod(tensor.shape[1:-1])
        for tensor in (query, (key or [value])[0], value, query)
    ]
    denses = (
        layer.query_dense,
        layer.key_dense,
        layer.value_dense,
        layer.output_dense,
    )
    kernels = sum(
        size * math.prod(dense.kernel.shape)
        for size, dense in zip(sizes, denses, strict=True)
    )
    pairs = layer.num_heads * (layer.key_dim + layer.value_dim)
    return kernels + sizes[0] * sizes[2] * pairs


def count_attention_macs(layer, tokens):
    """Multiply-accumulates of one `PlainAttention`, for a batch of 1."""
    denses = (layer.query, layer.key, layer.value, layer.output_dense)
    kernels = sum(dense.kernel.shape[0] * dense.units for dense in denses)
    # Every pair of tokens: queries times keys, and the sum of the values.
    pairs = 2 * layer.query.units
    return tokens * kernels + tokens**2 * pairs
