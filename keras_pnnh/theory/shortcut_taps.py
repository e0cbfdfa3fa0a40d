"""Which tap of a kernel reads the pixel that a 1x1 shortcut reads.

A coder merged at any other tap shifts the image (reconstruction; the merge is
that of PNNH, arXiv 2402.08645). Only layers with strides can go wrong.
"""

from keras_pnnh.theory._checks import check_positive_integer


def shortcut_tap(
    size: int | None, kernel_size: int, strides: int, padding: str
) -> int:
    """Tap along one axis that reads pixel `i * strides` for output `i`.

    Args:
        size: Length of the input along the axis; `None` if unknown, which is
            enough unless padding is "same" and `strides` exceeds 1.
        kernel_size: Length of the kernel along the axis.
        strides: Step along the axis.
        padding: "same" (Keras: the odd pixel of padding goes to the end),
            "symmetric" (torch: `kernel_size // 2` at both ends) or "valid"
            (the shortcut's output is longer and must be cropped at the end).

    Returns:
        Index of the tap, counted from 0. It equals the padding at the start.

    Raises:
        ValueError: If an argument is out of range, or does not decide the tap.

    Example:

    >>> from keras_pnnh import theory
    >>> theory.shortcut_tap(32, 3, 2, "symmetric")
    1
    >>> theory.shortcut_tap(32, 3, 2, "same")
    0
    """
    check_positive_integer("kernel_size", kernel_size)
    check_positive_integer("strides", strides)
    if size is not None:
        check_positive_integer("size", size)
    if padding == "valid":
        return 0
    if padding == "symmetric":
        if kernel_size % 2 == 0:
            raise ValueError(
                "Symmetric padding needs a centre tap, so `kernel_size` must "
                f"be odd. Received: kernel_size={kernel_size}. Try "
                f"{kernel_size + 1}."
            )
        return kernel_size // 2
    if padding != "same":
        raise ValueError(
            '`padding` must be "same", "symmetric" or "valid". Received: '
            f'padding={padding!r}. Try "same", as in Keras.'
        )
    if strides == 1:
        return (kernel_size - 1) // 2
    if size is None:
        raise ValueError(
            '"same" padding with strides depends on the input\'s size. '
            f"Received: size=None, strides={strides}. Fix the input shape, or "
            'pad explicitly and use "symmetric".'
        )
    outputs = -(-size // strides)
    padded = max((outputs - 1) * strides + kernel_size - size, 0)
    return padded // 2
