"""Survival of units: the share that is positive before the ReLU."""

import numpy as np


def survival_probability(
    signal_scale: np.ndarray | float,
    learner_scale: np.ndarray | float,
    coder_error_scale: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Probability that a unit with an internal path stays positive.

    The unit receives `|n| * sx` through the coder, with an independent normal
    error of scale `se`, and normal noise of scale `sl` from its learner. It
    survives with probability `1/2 + arctan(sx / sqrt(sl^2 + se^2)) / pi`. A
    reconstruction of the bound on surviving neurons in PNNH (arXiv
    2402.08645). The arguments broadcast against each other.

    Args:
        signal_scale: `sx`; 0 means no internal path.
        learner_scale: `sl`.
        coder_error_scale: `se`.

    Returns:
        float64 array (a NumPy scalar for scalars) in [1/2, 1]: 1/2 without a
        path, 3/4 at equal scales, 1 for a path without noise.

    Raises:
        ValueError: If a scale is negative or not a number.

    Example:

    >>> from keras_pnnh import theory
    >>> float(theory.survival_probability(1.0, 1.0))
    0.75
    """
    scales = {
        "signal_scale": signal_scale,
        "learner_scale": learner_scale,
        "coder_error_scale": coder_error_scale,
    }
    for name, scale in scales.items():
        if not np.all(np.asarray(scale) >= 0):
            raise ValueError(
                "Scales are standard deviations, so they must not be negative "
                f"or NaN. Received: {name}={scale}. Pass the square root of a "
                "variance."
            )
    noise = np.hypot(learner_scale, coder_error_scale)
    # arctan2 has the limits for zero noise built in.
    return 0.5 + np.arctan2(signal_scale, noise) / np.pi
