"""The theory of survival, applied to the graph of any network.

A layer is replaced by a population: for each of its channels a number of
independent draws of what a unit of that channel holds, over random weights
and images. Weighted layers make normal draws of the right scale, everything
else acts on the draws; what is added keeps its place, so a carry stays a
carry. For a chain with an internal path this is `theory.walk`.
"""

import itertools

import numpy as np
from keras import layers, ops

from keras_pnnh import graph, theory
from keras_pnnh.analysis.taps import channels_last, find_taps
from keras_pnnh.layers import (
    Coder,
    PlainConv2D,
    PlainDepthwiseConv2D,
    SharedKernel,
    ZeroPaddingShortcut,
)

ELEMENTWISE = (
    layers.Activation,
    layers.ELU,
    layers.LeakyReLU,
    layers.ReLU,
    layers.Rescaling,
)
# Averages and maxima of neighbours: their statistics are taken for those of
# one of them.
PASSED = (
    layers.Dropout,
    layers.InputLayer,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.GlobalAveragePooling2D,
    layers.ZeroPadding2D,
)


def predict_survival(model, images, draws=2048, seed=0):
    """Share of surviving units that theory expects behind each non-linearity.

    Assumes what `theory.survival_walk` lists, above all weights that are
    independent of each other and of the images, as before training, and
    batch norms that use the statistics of the batch.

    Args:
        model: A functional or sequential `keras.Model`.
        images: Array `(n, ...)` as the model takes it; only single pixels are
            drawn.
        draws: Draws for each channel.
        seed: Seed of the draws.

    Returns:
        Dictionary from name of tap (see `find_taps`) to a number in [0, 1],
        or to None behind a layer whose statistics are not known here.
    """
    taps = {tap.call: tap for tap in find_taps(model)}
    generator = np.random.default_rng(seed)
    images = channels_last(np.asarray(images, "float32"), taps.values())
    values = images.reshape(-1, images.shape[-1])
    entering = generator.choice(values, draws).T  # (channels, draws)
    predicted, count = {}, itertools.count()

    def call(layer, args, kwargs):
        tap = taps.get(next(count))
        outputs = _apply(layer, args, kwargs, generator)
        if tap is not None and tap.nonlinear:
            predicted[tap.name] = _share_positive(outputs)
        return outputs

    graph.replay(model, [entering] * len(model.inputs), call)
    return predicted


def _share_positive(population):
    return None if population is None else float(np.mean(population > 0))


def _apply(layer, args, kwargs, generator):
    """The population behind a layer: `(channels, draws)`, or None."""
    x = args[0] if args else kwargs.get("inputs")
    name = type(layer).__name__
    if isinstance(layer, Coder):
        return _coder_matrix(layer, *args, **kwargs)
    if isinstance(layer, SharedKernel):
        channels = None if x is None else len(x) - layer.code_channels
        return _numpy(layer.kernel)[:, :, :channels]
    if isinstance(layer, PlainConv2D):
        return _plain_convolution(layer, generator, *args, **kwargs)
    if isinstance(layer, (layers.Conv2D, layers.Dense)):
        return _weighted(layer, x, generator)
    if name == "Add":
        parts = x if isinstance(x, (list, tuple)) else args
        known = all(part is not None for part in parts)
        return sum(parts) if known else None
    if x is None:
        return None
    if isinstance(layer, PlainDepthwiseConv2D):
        return _plain_depthwise(layer, x, generator)
    if isinstance(layer, ZeroPaddingShortcut):
        return np.pad(x, ((0, layer.filters - len(x)), (0, 0)))
    if isinstance(layer, layers.BatchNormalization):
        return _normalized(layer, x)
    if isinstance(layer, layers.Normalization):
        return _standardized(layer, x)
    if isinstance(layer, ELEMENTWISE):
        return _numpy(layer(ops.convert_to_tensor(x.T))).T
    return x if isinstance(layer, PASSED) else None


def _standardized(layer, x):
    """What a `Normalization` by constants does; None if it was adapted."""
    config = layer.get_config()
    if config["mean"] is None:
        return None
    mean, variance = (
        np.reshape(config[key], (-1, 1)) for key in ("mean", "variance")
    )
    return ((x - mean) / np.sqrt(variance)).astype("float32")


def _coder_matrix(coder, inputs, part="reconstruction"):
    """The matrix that a coder hands out, `(channels, filters)`."""
    if part == "decoder":
        return _numpy(coder.decoder)
    if part == "code":
        return np.eye(coder.code_filters, dtype="float32")
    if part == "encoder":
        return _numpy(coder.encoder)[: None if inputs is None else len(inputs)]
    return None


def _plain_convolution(
    layer, generator, x, coder_kernel=None, learner_kernel=None, training=None
):
    kernel = learner_kernel
    if kernel is None:
        kernel = _numpy(layer.kernel)
    if layer.norm == "kernel":
        gamma = _numpy(layer.gamma)
        kernel = theory.standardize_kernel(kernel, gamma)
    # Filters of mean zero do not see the mean of what comes in.
    read = None if x is None else x[layer.code_channels :]
    outputs = _normal(kernel, read, generator, centred=layer.norm == "kernel")
    if layer.norm == "learner":
        outputs = _normalized(layer.batch_norm, outputs)
    outputs = np.pad(outputs, ((layer.code_filters, 0), (0, 0)))
    if layer.bias is not None:
        outputs += _numpy(layer.bias)[:, None]
    if coder_kernel is None:
        return _normalized_sum(layer, outputs)
    if x is None:
        return None
    carried = np.zeros_like(outputs)
    filters = coder_kernel.shape[1]
    carried[:filters] = coder_kernel.T @ x[: len(coder_kernel)]
    return _with_carried(layer, outputs, carried)


def _plain_depthwise(layer, x, generator):
    """Every channel by itself: normal draws, and the code as it is."""
    kernel = np.moveaxis(_numpy(layer.kernel), 2, 3)  # (..., 1, channels)
    variance = np.sum(kernel**2, axis=(0, 1, 2)) * np.mean(x**2, axis=1)
    outputs = generator.standard_normal(x.shape) * np.sqrt(variance)[:, None]
    if layer.bias is not None:
        outputs += _numpy(layer.bias)[:, None]
    carried = np.zeros_like(x)
    carried[: layer.code_filters] = x[: layer.code_filters]
    if layer.norm == "learner":
        outputs = _normalized(layer.batch_norm, outputs)
    return _with_carried(layer, outputs.astype("float32"), carried)


def _with_carried(layer, outputs, carried):
    if layer.coder_scale is not None:
        scale = _numpy(layer.coder_scale)[:, None]
        carried[: len(scale)] *= scale
    return _normalized_sum(layer, outputs + carried)


def _normalized_sum(layer, x):
    return _normalized(layer.batch_norm, x) if layer.norm == "sum" else x


def _weighted(layer, x, generator):
    outputs = _normal(_numpy(layer.kernel), x, generator)
    if layer.bias is not None:
        outputs += _numpy(layer.bias)[:, None]
    tensor = ops.convert_to_tensor(outputs.T)
    return _numpy(layer.activation(tensor)).T


def _normal(kernel, x, generator, centred=False):
    """Normal draws with the second moment that a kernel `(..., i, o)` gives."""
    kernel = kernel.astype("float64").reshape(-1, *kernel.shape[-2:])
    moments = np.ones(kernel.shape[1])  # unknown: right up to a norm's scale
    if x is not None and len(x) == len(moments):
        moments = np.var(x, axis=1) if centred else np.mean(x**2, axis=1)
    variance = np.einsum("kio,i->o", kernel**2, moments)
    draws = 2048 if x is None else x.shape[1]
    outputs = generator.standard_normal((len(variance), draws))
    return (outputs * np.sqrt(variance)[:, None]).astype("float32")


def _normalized(norm, x):
    """Batch normalisation by the statistics of the population."""
    if norm is None:
        return x
    mean = x.mean(axis=1, keepdims=True)
    x = (x - mean) / np.sqrt(x.var(axis=1, keepdims=True) + norm.epsilon)
    if norm.scale:
        x = x * _numpy(norm.gamma)[:, None]
    if norm.center:
        x = x + _numpy(norm.beta)[:, None]
    return x


def _numpy(tensor):
    return np.asarray(ops.convert_to_numpy(tensor))
