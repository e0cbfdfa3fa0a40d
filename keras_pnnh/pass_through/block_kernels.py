"""One kernel from blocks between ranges of channels.

"Reserve and merge" (reconstruction, on PNNH, arXiv 2402.08645): the layers of
a residual block, written as a plain chain, have the kernels `[D; W1]`,
`blockdiag(D, W2)` and `[P | W3]`, where `D` is a Dirac, for the channels that
pass through.
"""

from typing import NamedTuple

import numpy as np


class KernelBlock(NamedTuple):
    """A kernel and where it stands in the kernel of a whole layer."""

    kernel: np.ndarray  # (kh, kw, cin, cout)
    input: int  # its first input channel
    output: int  # its first output channel
    before: tuple[int, int] = (0, 0)  # padding above and on the left
    dilation: tuple[int, int] = (1, 1)


def window(
    befores: list[int], sizes: list[int], dilations: list[int]
) -> tuple[int, int]:
    """Padding and length of the kernel that covers some kernels, on one axis.

    Args:
        befores: Padding before the image for each kernel; negative if pixels
            are cut away.
        sizes: Length of each kernel.
        dilations: Distance between the taps of each kernel.

    Returns:
        Padding before the image and length.
    """
    before = max(0, *befores)
    after = max(
        dilation * (size - 1) - start
        for start, size, dilation in zip(befores, sizes, dilations, strict=True)
    )
    return before, before + after + 1


def assemble_kernel(
    blocks: list[KernelBlock], cin: int, cout: int
) -> np.ndarray:
    """The kernel of a layer whose blocks add up.

    Every block reads its own window of the padded image; the windows are
    aligned at the pixel that an output stands on.

    Args:
        blocks: At least one block.
        cin: Input channels of the layer.
        cout: Output channels of the layer.

    Returns:
        Kernel of shape `(kh, kw, cin, cout)`, in the common dtype.

    Raises:
        ValueError: If a block does not fit.
    """
    spans = [
        window(
            [block.before[axis] for block in blocks],
            [block.kernel.shape[axis] for block in blocks],
            [block.dilation[axis] for block in blocks],
        )
        for axis in (0, 1)
    ]
    dtype = np.result_type(*(block.kernel for block in blocks))
    size = tuple(length for _, length in spans)
    kernel = np.zeros((*size, cin, cout), dtype)
    for block in blocks:
        taps = []
        for axis in (0, 1):
            first = spans[axis][0] - block.before[axis]
            length, step = block.kernel.shape[axis], block.dilation[axis]
            taps.append(slice(first, first + step * (length - 1) + 1, step))
        inner, outer = block.kernel.shape[2:]
        if block.input + inner > cin or block.output + outer > cout:
            raise ValueError(
                "Every block must lie inside the channels of the layer. "
                f"Received: a kernel of shape {block.kernel.shape} from "
                f"channel {block.input} to {block.output}, cin={cin}, "
                f"cout={cout}."
            )
        inputs = slice(block.input, block.input + inner)
        outputs = slice(block.output, block.output + outer)
        kernel[taps[0], taps[1], inputs, outputs] += block.kernel
    return kernel
