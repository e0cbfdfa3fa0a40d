"""The theory of survival, applied to the graph of any network.

A layer is replaced by a population: for each of its channels a number of
independent draws of what a unit of that channel holds, over random weights
and images. Weighted layers make normal draws of the right scale, everything
else acts on the draws; what is added keeps its place, so a carry stays a
carry. For a chain with an internal path this is `theory.walk`.
"""

import itertools
from typing import Any

import numpy as np
from keras import layers, ops

from keras_pnnh import graph, theory
from keras_pnnh.analysis.taps import channels_last, find_taps
from keras_pnnh.folding.handed import handed_out
from keras_pnnh.layers import PlainLayer
from keras_pnnh.layers.values import draw_batch_norm

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


def predict_survival(
    model: Any, images: Any, draws: int = 2048, seed: int = 0
) -> dict[Any, Any]:
    """Share of surviving units that theory expects after each non-linearity.

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
        or to None after a layer whose statistics are not known here.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import predict_survival
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> predicted = predict_survival(model, images)
    >>> round(predicted["stem_relu"], 1)  # before any coder
    0.5
    >>> round(predicted["stage1_block1_relu2"], 1)  # after one
    0.8
    """
    taps = {tap.call: tap for tap in find_taps(model)}
    calls = graph.read(model).calls[len(model.inputs) :]
    generator = np.random.default_rng(seed)
    images = channels_last(np.asarray(images, "float32"), taps.values())
    values = images.reshape(-1, images.shape[-1])
    entering = generator.choice(values, draws).T  # (channels, draws)
    predicted, count = {}, itertools.count()

    def call(layer, args, kwargs):
        number = next(count)
        noted = calls[number]
        handed = handed_out(layer, noted.args, noted.kwargs)
        if handed is not None:
            return handed.numbers()
        outputs = _apply(layer, args, kwargs, generator)
        tap = taps.get(number)
        if tap is not None and tap.nonlinear:
            predicted[tap.name] = _share_positive(outputs)
        return outputs

    graph.replay(model, [entering] * len(model.inputs), call)
    return predicted


def _share_positive(population):
    return None if population is None else float(np.mean(population > 0))


def _apply(layer, args, kwargs, generator):
    """The population after a layer: `(channels, draws)`, or None."""
    x = args[0] if args else None
    if isinstance(layer, PlainLayer):
        handed = {
            name: value
            for name, value in kwargs.items()
            if isinstance(value, np.ndarray)
        }
        return layer.draw_outputs(x, generator, **handed)
    if isinstance(layer, (layers.Conv2D, layers.Dense)):
        return _weighted(layer, x, generator)
    if type(layer).__name__ == "Add":
        parts = x if isinstance(x, (list, tuple)) else args
        known = all(part is not None for part in parts)
        return sum(parts) if known else None
    if x is None:
        return None
    if isinstance(layer, layers.BatchNormalization):
        return draw_batch_norm(x, layer)
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


def _weighted(layer, x, generator):
    outputs = theory.draw_normal(_numpy(layer.kernel), x, generator)
    if layer.bias is not None:
        outputs += _numpy(layer.bias)[:, None]
    tensor = ops.convert_to_tensor(outputs.T)
    return _numpy(layer.activation(tensor)).T


def _numpy(tensor):
    return np.asarray(ops.convert_to_numpy(tensor))
