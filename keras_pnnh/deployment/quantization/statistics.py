"""What layers read, over calibration images."""

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment.quantization.links import WEIGHTED

BATCH = 16


class Statistics(NamedTuple):
    """Statistics of every channel that a layer reads."""

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
    if not layers:
        return {}
    probe = keras.Model(given[0] if len(given) == 1 else given, tensors)
    highest: list[list[np.ndarray]] = [[] for _ in layers]
    sums: list[list[np.ndarray]] = [[] for _ in layers]
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        read = probe.predict_on_batch(batch)
        read = read if isinstance(read, (list, tuple)) else [read]
        for index, values in enumerate(map(np.asarray, read)):
            flat = values.reshape(-1, values.shape[-1])
            highest[index].append(np.abs(flat).max(0))
            sums[index].append(flat.mean(0, dtype="float64") * len(batch))
    return {
        layer: Statistics(
            np.max(highest[index], 0), np.sum(sums[index], 0) / len(images)
        )
        for index, layer in enumerate(layers)
    }
