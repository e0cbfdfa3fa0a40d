"""What a classifier returns, by what it computes: its network decides."""

from collections.abc import Callable

import keras
import numpy as np

from keras_pnnh import graph

# Layers that leave it to the one before them what their results mean.
IDLE = (
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.Reshape,
)


def returns_logits(
    model: keras.Model, compute: Callable[[], np.ndarray]
) -> bool:
    """Whether a model returns logits, and not probabilities.

    The end of its graph tells; where it has none, or ends in a layer without
    an activation, the scores do.

    Args:
        model: A classifier.
        compute: Gives `(n, classes)` scores of some images; called only if
            the graph does not tell.

    Raises:
        ValueError: If it returns neither.
    """
    activation = _last_activation(model)
    if activation in ("linear", "log_softmax"):
        return True
    if activation == "softmax":
        return False
    scores = np.asarray(compute(), "float64")
    if activation is None and scores.size:
        inside = (scores >= 0).all() and (scores <= 1.01).all()
        if not inside:
            return True
        if np.allclose(scores.sum(axis=-1), 1.0, atol=0.01):
            return False
    raise ValueError(
        "A classifier must return logits, or probabilities that sum to 1. "
        "Received: a model that ends in "
        f"{activation or 'a layer whose results could be either'}. Let it end "
        "in a softmax, or in a layer without an activation."
    )


def _last_activation(model):
    """Name of the activation that the results come from, None if unknown."""
    try:
        read = graph.read(model)
    # It has no graph, or computes something else than its graph.
    except ValueError:
        return None
    producers = read.producers()
    if len(read.outputs) != 1:
        return None
    call = producers.get(read.outputs[0])
    while call is not None and type(call.layer) in IDLE:
        call = producers.get(call.inputs[0])
    if call is None:
        return None
    layer = call.layer
    if type(layer) is keras.layers.Softmax:
        last = len(call.outputs[0].shape) - 1
        return "softmax" if layer.axis in (-1, last) else None
    # What others do besides applying it, nobody knows.
    package = type(layer).__module__.partition(".")[0]
    if package not in ("keras", "keras_pnnh"):
        return None
    if not hasattr(layer, "activation"):
        return None
    return getattr(layer.activation, "__name__", None) or (
        "linear" if layer.activation is None else None
    )
