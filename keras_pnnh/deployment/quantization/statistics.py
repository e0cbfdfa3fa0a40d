"""What layers read, over calibration images."""

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment.quantization.links import WEIGHTED

BATCH = 16


class Statistics(NamedTuple):
    """Of every channel that a layer reads."""

    largest: np.ndarray  # magnitude
    mean: np.ndarray


def measure_inputs(
    model: keras.Model, images: np.ndarray
) -> dict[Any, Statistics]:
    """`Statistics` of the inputs of every layer with a kernel.

    Args:
        model: A functional or sequential model, channels last.
        images: Calibration images.

    Returns:
        Dictionary from a layer to its `Statistics`.
    """
    layers, tensors = [], []

    def call(layer, args, kwargs):
        if type(layer) in WEIGHTED:
            layers.append(layer)
            tensors.append(args[0])
        return layer(*args, **kwargs)

    given = [
        keras.Input(batch_shape=t.shape, dtype=t.dtype) for t in model.inputs
    ]
    graph.replay(model, given, call)
    probe = keras.Model(given[0] if len(given) == 1 else given, tensors)
    largest, total, count = None, None, 0
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        read = probe.predict_on_batch(batch)
        read = read if isinstance(read, list) else [read]
        flat = [np.reshape(x, (-1, np.shape(x)[-1])) for x in read]
        highest = [np.abs(x).max(0) for x in flat]
        means = [x.mean(0, dtype="float64") * len(batch) for x in flat]
        count += len(batch)
        if largest is None:
            largest, total = highest, means
            continue
        largest = [
            np.maximum(*pair) for pair in zip(largest, highest, strict=True)
        ]
        total = [sum(pair) for pair in zip(total, means, strict=True)]
    return {
        layer: Statistics(high, mean / count)
        for layer, high, mean in zip(layers, largest, total, strict=True)
    }
