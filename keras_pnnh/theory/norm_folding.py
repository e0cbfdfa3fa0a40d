"""A batch norm folded into the convolution before it.

Deployment of a plain network (PNNH, arXiv 2402.08645) leaves kernel, bias and
non-linearity. Kernels are laid out as in Keras, output channels last.
"""

import numpy as np


def fold_norm(
    kernel: np.ndarray,
    bias: np.ndarray | None,
    gamma: np.ndarray | None,
    beta: np.ndarray | None,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a convolution with the batch norm after it.

    Args:
        kernel: Shape `(..., cout)`; a dense kernel `(cin, cout)` will do.
        bias: Shape `(cout,)`, or `None`.
        gamma: The norm's scale, shape `(cout,)`, or `None`.
        beta: The norm's offset, shape `(cout,)`, or `None`.
        mean: Moving mean, shape `(cout,)`.
        variance: Moving variance, shape `(cout,)`.
        epsilon: The norm's constant.

    Returns:
        Kernel and bias in the dtype of `kernel`.

    Raises:
        ValueError: If a vector's shape is not `(cout,)`.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh import theory
    >>> kernel, bias = theory.fold_norm(
    ...     np.ones((1, 1)), None, np.array([2.0]), None, np.array([3.0]),
    ...     np.array([1.0]), 0.0,
    ... )
    >>> kernel.item(), bias.item()
    (2.0, -6.0)
    """
    cout = kernel.shape[-1]
    given = {
        "bias": np.zeros(cout) if bias is None else bias,
        "gamma": np.ones(cout) if gamma is None else gamma,
        "beta": np.zeros(cout) if beta is None else beta,
        "mean": mean,
        "variance": variance,
    }
    for name, vector in given.items():
        # Broadcasting would turn a depthwise kernel into a dense one.
        if vector.shape != (cout,):
            raise ValueError(
                f"`{name}` needs one entry per output channel, the last axis "
                f"of `kernel`. Received: {name}.shape={vector.shape}, "
                f"kernel.shape={kernel.shape}. Reshape a depthwise kernel to "
                "(kh, kw, 1, cin * multiplier) first."
            )
    # float64: rounding in 1 / sqrt(variance) compounds over the depth.
    bias64, gamma64, beta64, mean64, variance64 = (
        vector.astype("float64") for vector in given.values()
    )
    scale = gamma64 / np.sqrt(variance64 + epsilon)
    folded_kernel = (kernel.astype("float64") * scale).astype(kernel.dtype)
    folded_bias = ((bias64 - mean64) * scale + beta64).astype(kernel.dtype)
    return folded_kernel, folded_bias
