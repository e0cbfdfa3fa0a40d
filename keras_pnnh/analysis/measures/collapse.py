"""Whether different inputs still look different."""

from typing import Any

import numpy as np


def mean_cosine(activations: Any) -> float:
    """Mean cosine between the activations of different images.

    1 means that the layer maps every image to the same direction: the
    collapse that deep networks run into (the C map of Poole et al. 2016,
    arXiv 1606.05340, and Schoenholz et al. 2017, arXiv 1611.01232). Behind a
    ReLU, independent normal signals have `1 / pi = 0.318`.

    Args:
        activations: Array `(images, ...)`, all axes but the first flattened.

    Returns:
        Number in [-1, 1]; 1 if no image leaves anything but zeros. An image
        that leaves zeros is left out.

    Raises:
        ValueError: If there are less than two images.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import mean_cosine
    >>> round(mean_cosine(np.array([[1.0, 1.0], [2.0, 2.0]])), 6)
    1.0
    """
    if len(activations) < 2:
        raise ValueError(
            "A cosine between different images needs two at least. Received: "
            f"{len(activations)}."
        )
    rows = activations.reshape(len(activations), -1).astype("float64")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    alive = norms[:, 0] > 0
    count = int(alive.sum())
    if count < 2:
        return 1.0
    directions = rows[alive] / norms[alive]
    # The sum over all pairs is the squared norm of the sum.
    pairs = np.sum(directions.sum(axis=0) ** 2) - count
    return float(np.clip(pairs / (count * (count - 1)), -1.0, 1.0))
