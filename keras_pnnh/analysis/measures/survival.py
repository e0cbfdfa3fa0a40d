"""Units that are positive before the non-linearity."""

from typing import Any

import numpy as np


def survival_share(activations: Any) -> float:
    """Share of units that survive: that are positive, over all images.

    The surviving neurons of PNNH (arXiv 2402.08645), counted after the
    non-linearity: a sign-keeping one leaves positive what was positive.

    Args:
        activations: Array `(images, ..., channels)`.

    Returns:
        Number in [0, 1].

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import survival_share
    >>> survival_share(np.array([[0.0, 3.0], [0.0, 0.0]]))
    0.25
    """
    return float(np.mean(activations > 0))


def dead_share(activations: Any) -> float:
    """Share of channels that are positive nowhere in any image.

    A dead ReLU passes no gradient either, so it stays dead (Lu et al. 2019,
    arXiv 1903.06733).

    Args:
        activations: Array `(images, ..., channels)`.

    Returns:
        Number in [0, 1].

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import dead_share
    >>> dead_share(np.array([[0.0, 3.0], [0.0, 0.0]]))  # the first channel
    0.5
    """
    alive = np.any(activations > 0, axis=tuple(range(activations.ndim - 1)))
    return float(1 - np.mean(alive))
