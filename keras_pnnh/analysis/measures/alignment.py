"""Similarity of two representations of the same images."""

from typing import Any

import numpy as np


def linear_cka(features: Any, targets: Any) -> float:
    """Linear centred kernel alignment of two representations.

    `|Y'X|^2 / (|X'X| |Y'Y|)` in Frobenius norms, of the centred matrices with
    one row per image (Kornblith et al. 2019, arXiv 1905.00414, section 3). It
    sees whether the same images are near each other in both, whatever the
    rotation and the overall scale.

    Args:
        features: Array `(images, ...)`, all axes but the first flattened.
        targets: Array `(images, ...)`, likewise.

    Returns:
        Number in [0, 1]; 0 where a representation is the same for all images.
        With few images it is biased upwards: for random features of `d`
        numbers each, about `n / (n + d)` of `n` images.

    Raises:
        ValueError: If the numbers of images differ.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import linear_cka
    >>> features = np.random.default_rng(0).normal(size=(6, 4))
    >>> round(linear_cka(features, 2 * features[:, ::-1]), 6)
    1.0
    """
    if len(features) != len(targets):
        raise ValueError(
            "Both representations must be of the same images. Received: "
            f"{len(features)} and {len(targets)} of them."
        )
    # Products of images: n^2 numbers, however many features there are.
    first, second = _centred_gram(features), _centred_gram(targets)
    norms = np.linalg.norm(first) * np.linalg.norm(second)
    if norms == 0:
        return 0.0
    return float(np.sum(first * second) / norms)


def _centred_gram(array):
    rows = array.reshape(len(array), -1).astype("float64")
    rows -= rows.mean(axis=0)
    return rows @ rows.T
