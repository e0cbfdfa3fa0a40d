"""How many directions a layer really uses."""

from typing import Any

import numpy as np


def effective_rank(activations: Any) -> float:
    """Exponential of the entropy of the covariance's spectrum.

    Roy and Vetterli 2007, "The effective rank", of the covariance of the
    channels over images and positions: `d` channels of equal variance without
    correlation have rank `d`, one direction has rank 1.

    Args:
        activations: Array `(images, ..., channels)`.

    Returns:
        Number in [1, channels]; 0 if nothing varies.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import effective_rank
    >>> one_direction = np.outer(np.arange(8.0), [1.0, 2.0, 3.0])
    >>> round(effective_rank(one_direction), 3)
    1.0
    """
    rows = activations.reshape(-1, activations.shape[-1]).astype("float64")
    rows -= rows.mean(axis=0)
    # The smaller of the two products has the same non-zero spectrum.
    wide = rows.shape[0] < rows.shape[1]
    product = rows @ rows.T if wide else rows.T @ rows
    spectrum = np.clip(np.linalg.eigvalsh(product), 0.0, None)
    if spectrum.sum() == 0:
        return 0.0
    shares = spectrum / spectrum.sum()
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))
