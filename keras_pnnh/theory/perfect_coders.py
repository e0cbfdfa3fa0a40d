"""Coders that are optimal in closed form (reconstruction).

Every function returns an encoder of shape `(d, r)` and a decoder of shape
`(r, d)` for row vectors: `phi(x @ encoder) @ decoder`. They are the initial
values of the coder of PNNH (arXiv 2402.08645) and the targets of its
pretext task.
"""

from collections.abc import Callable

import numpy as np

from keras_pnnh.theory._checks import check_positive_integer

# Keras names of activations with phi(u) - phi(-u) = u; both forms of GELU, and
# "hard_silu" is hard-swish. Not a complete list: ask `carries_identity`.
CARRYING_ACTIVATIONS = frozenset(
    {"gelu", "hard_silu", "relu", "silu", "softplus"}
)


def identity_coder(
    dimension: int, code_width: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Coder of unit matrices: exact under ReLU for `x >= 0` and `r >= d`.

    A wider code is padded with units that stay zero. A narrower code keeps the
    first `r` coordinates and drops the rest: error
    `(d - r) / d * SECOND_MOMENT`, above that of `averaging_coder`.

    Args:
        dimension: Number of coordinates, `d`.
        code_width: Number of units of the code, `r`; by default `d`.

    Returns:
        The encoder and the decoder.

    Raises:
        ValueError: If an argument is not a positive integer.

    Example:

    >>> from keras_pnnh import theory
    >>> encoder, decoder = theory.identity_coder(2)
    >>> encoder @ decoder
    array([[1., 0.],
           [0., 1.]])
    """
    width = dimension if code_width is None else code_width
    check_positive_integer("dimension", dimension)
    check_positive_integer("code_width", width)
    return np.eye(dimension, width), np.eye(width, dimension)


def paired_coder(
    dimension: int, seed: int | np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Coder `[Q, -Q]`, `[Q'; -Q']`, `Q` orthogonal: exact for every real `x`.

    It needs an activation with `phi(u) - phi(-u) = u`; see `carries_identity`.

    Args:
        dimension: Number of coordinates, `d`; the code has `2 * d` units.
        seed: Integer or NumPy generator for a uniformly random `Q`; by
            default `Q` is the identity.

    Returns:
        The encoder `(d, 2 * d)` and the decoder `(2 * d, d)`.

    Raises:
        ValueError: If `dimension` is not a positive integer.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> encoder, decoder = theory.paired_coder(2)
    >>> np.maximum([-3.0, 2.0] @ encoder, 0) @ decoder
    array([-3.,  2.])
    """
    check_positive_integer("dimension", dimension)
    rotation = np.eye(dimension)
    if seed is not None:
        normal = np.random.default_rng(seed).standard_normal(rotation.shape)
        rotation, triangle = np.linalg.qr(normal)
        # QR leaves the signs open; fixing them makes Q uniformly distributed.
        rotation = rotation * np.sign(np.diag(triangle))
    encoder = np.concatenate([rotation, -rotation], axis=1)
    return encoder, encoder.T.copy()


def averaging_coder(
    dimension: int, code_width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Best coder for a narrow code: means of `r` groups of coordinates.

    For `x >= 0` the codes are non-negative and pass a ReLU untouched. Then
    `P = encoder @ decoder` is the orthogonal projection onto the groups'
    indicators. It leaves their sum, the mean's direction, in place, so the
    error is `trace(I - P) / d * VARIANCE = (d - r) / d * VARIANCE`: the bound.

    Args:
        dimension: Number of coordinates, `d`.
        code_width: Number of groups, `r <= d`; `d` gives the identity.

    Returns:
        The encoder, which averages, and the decoder, which repeats.

    Raises:
        ValueError: If an argument is not a positive integer or `r > d`.

    Example:

    >>> from keras_pnnh import theory
    >>> encoder, decoder = theory.averaging_coder(4, 2)
    >>> (encoder @ decoder)[0]
    array([0.5, 0.5, 0. , 0. ])
    """
    check_positive_integer("dimension", dimension)
    check_positive_integer("code_width", code_width)
    if code_width > dimension:
        raise ValueError(
            "`averaging_coder` needs a coordinate for each group, so "
            "`code_width` must not exceed `dimension`. Received: "
            f"dimension={dimension}, code_width={code_width}. Use "
            "`identity_coder` for a wider code."
        )
    group = np.arange(dimension) * code_width // dimension
    members = (group[:, None] == np.arange(code_width)).astype("float64")
    return members / members.sum(axis=0), members.T.copy()


def carries_identity(
    activation: Callable[[np.ndarray], np.ndarray], tolerance: float = 1e-6
) -> bool:
    """Whether `phi(u) - phi(-u) = u`, so that a pair of units carries `u`.

    Args:
        activation: Elementwise function of an array; its result must convert
            to NumPy.
        tolerance: Largest error allowed, relative to `max(1, |u|)` so that
            float32 activations pass.

    Returns:
        The result on a grid of [-20, 20].

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> theory.carries_identity(lambda u: np.maximum(u, 0))
    True
    >>> theory.carries_identity(np.tanh)
    False
    """
    u = np.linspace(-20, 20, 2561)  # steps of 1/64, exact in float32
    carried = np.asarray(activation(u)) - np.asarray(activation(-u))
    error = np.abs(carried - u) / np.maximum(1, np.abs(u))
    return bool(np.all(error <= tolerance))
