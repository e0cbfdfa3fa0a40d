"""How much gradient reaches a layer."""

from typing import Any

import numpy as np


def gradient_norm(gradients: Any) -> float:
    """Root mean square, over images, of the norm of an image's gradient.

    Read over depth it shows gradients that vanish or explode (Glorot and
    Bengio 2010); only ratios between layers have a meaning of their own.

    Args:
        gradients: Array `(images, ...)`, one loss per image.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import gradient_norm
    >>> gradient_norm(np.array([[3.0, 4.0], [3.0, 4.0]]))
    5.0
    """
    rows = gradients.reshape(len(gradients), -1)
    squares = np.einsum("ij,ij->i", rows, rows, dtype="float64")
    return float(np.sqrt(np.mean(squares)))
