"""Kernel algebra: learner and coder as one convolution.

Learner and coder of PNNH (arXiv 2402.08645) are summed before the
non-linearity and have the same strides, so one kernel computes both. Kernels
are laid out as in Keras, `(kh, kw, cin, cout)`.
"""

import numpy as np

from keras_pnnh.theory._checks import check_positive_integer

Pair = int | tuple[int, int]


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def place_at_tap(
    matrix: np.ndarray, kernel_size: Pair, tap: Pair
) -> np.ndarray:
    """Kernel that is `matrix` at one tap and zero elsewhere.

    Args:
        matrix: 1x1 convolution, shape `(cin, cout)`.
        kernel_size: Integer or pair `(kh, kw)`.
        tap: Integer or pair, counted from 0.

    Returns:
        Kernel of shape `(kh, kw, cin, cout)` and the dtype of `matrix`.

    Raises:
        ValueError: If `kernel_size` is not positive or `tap` is outside it.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> theory.place_at_tap(np.eye(1), 3, 1)[..., 0, 0]
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """
    size, (row, column) = _pair(kernel_size), _pair(tap)
    for length in size:
        check_positive_integer("kernel_size", length)
    if not (0 <= row < size[0] and 0 <= column < size[1]):
        raise ValueError(
            "`tap` must lie inside the kernel, counted from 0. Received: "
            f"tap={tap}, kernel_size={kernel_size}. Take it from "
            "`shortcut_tap`, one axis at a time."
        )
    kernel = np.zeros((*size, *matrix.shape), matrix.dtype)
    kernel[row, column] = matrix
    return kernel


def pad_channels(matrix: np.ndarray, cin: int, cout: int) -> np.ndarray:
    """Zero-pad a matrix at its end; the carry has the leading channels.

    Args:
        matrix: Shape `(m, n)`, `m <= cin` and `n <= cout`.
        cin: Input channels of the result.
        cout: Output channels of the result.

    Returns:
        Array of shape `(cin, cout)`.

    Raises:
        ValueError: If `matrix` is larger than `(cin, cout)`.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> theory.pad_channels(np.ones((1, 1)), 2, 2)
    array([[1., 0.],
           [0., 0.]])
    """
    rows, columns = matrix.shape
    if rows > cin or columns > cout:
        raise ValueError(
            "`matrix` must fit into (cin, cout). Received: matrix.shape="
            f"{matrix.shape}, cin={cin}, cout={cout}. Make the coder narrower "
            "or the layer wider."
        )
    return np.pad(matrix, ((0, cin - rows), (0, cout - columns)))


def merge_coder(
    learner_kernel: np.ndarray,
    coder_matrix: np.ndarray,
    tap: Pair | None = None,
) -> np.ndarray:
    """Kernel that computes learner plus coder.

    Args:
        learner_kernel: Shape `(kh, kw, cin, cout)`.
        coder_matrix: Encoder times decoder, at most `(cin, cout)`; see
            `pad_channels`.
        tap: Integer or pair, the tap that reads the coder's pixel, from
            `shortcut_tap`; by default the centre, which is right for strides
            of 1 and for symmetric padding.

    Returns:
        Kernel of the shape and dtype of `learner_kernel`.

    Raises:
        ValueError: If the coder or the tap does not fit, or `tap` is missing
            for a kernel without a centre.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> kernel = theory.merge_coder(np.zeros((3, 3, 2, 2)), np.eye(2))
    >>> kernel[1, 1]
    array([[1., 0.],
           [0., 1.]])
    """
    height, width, cin, cout = learner_kernel.shape
    if tap is None:
        if height % 2 == 0 or width % 2 == 0:
            raise ValueError(
                "Only odd kernel sizes have a centre, so `tap` is needed. "
                f"Received: learner_kernel.shape={learner_kernel.shape}, "
                "tap=None. Pass the result of `shortcut_tap`."
            )
        tap = (height // 2, width // 2)
    matrix = pad_channels(coder_matrix, cin, cout)
    coder_kernel = place_at_tap(matrix, (height, width), tap)
    return (learner_kernel + coder_kernel).astype(learner_kernel.dtype)
