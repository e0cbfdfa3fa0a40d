"""Draws of what the units of a channel hold, over random weights and images.

The mean-field picture of a network: a weighted layer makes normal draws of the
right scale, everything else acts on the draws, and what is added keeps its
place. Draws are arrays `(channels, draws)`.
"""

import numpy as np


def draw_normal(
    kernel: np.ndarray,
    inputs: np.ndarray | None,
    generator: np.random.Generator,
    centred: bool = False,
) -> np.ndarray:
    """Normal draws with the second moment that a kernel gives.

    Args:
        kernel: Shape `(..., cin, cout)`.
        inputs: Draws `(cin, draws)`. If they are None or have other channels,
            every channel counts with a second moment of 1, which is right up
            to the scale that a norm takes away.
        generator: NumPy's.
        centred: Whether every filter has mean zero and so does not see the
            mean of the inputs.

    Returns:
        Array `(cout, draws)`, float32.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.theory import draw_normal
    >>> generator = np.random.default_rng(0)
    >>> inputs = generator.standard_normal((4, 1000))
    >>> draws = draw_normal(np.ones((3, 3, 4, 2)), inputs, generator)
    >>> draws.shape, bool(5.5 < draws.std() < 6.5)
    ((2, 1000), True)
    """
    kernel = kernel.astype("float64").reshape(-1, *kernel.shape[-2:])
    moments = np.ones(kernel.shape[1])
    if inputs is not None and len(inputs) == len(moments):
        moments = inputs.var(axis=1) if centred else np.mean(inputs**2, axis=1)
    variance = np.einsum("kio,i->o", kernel**2, moments)
    draws = 2048 if inputs is None else inputs.shape[1]
    outputs = generator.standard_normal((len(variance), draws))
    return (outputs * np.sqrt(variance)[:, None]).astype("float32")


def normalize_draws(
    draws: np.ndarray,
    epsilon: float,
    gamma: np.ndarray | None = None,
    beta: np.ndarray | None = None,
) -> np.ndarray:
    """Batch normalisation by the statistics of the draws.

    Args:
        draws: Array `(channels, draws)`.
        epsilon: Added to the variance.
        gamma: Scale, `(channels,)`, or None for 1.
        beta: Offset, `(channels,)`, or None for 0.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.theory import normalize_draws
    >>> normalize_draws(np.array([[1.0, 3.0]]), 0.0, beta=np.array([1.0]))
    array([[0., 2.]], dtype=float32)
    """
    mean = draws.mean(axis=1, keepdims=True)
    draws = (draws - mean) / np.sqrt(draws.var(axis=1, keepdims=True) + epsilon)
    if gamma is not None:
        draws = draws * gamma[:, None]
    if beta is not None:
        draws = draws + beta[:, None]
    return draws.astype("float32")
