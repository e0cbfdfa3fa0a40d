"""How many integers the kernels of an output channel take.

A processor without VNNI adds the products of two neighbouring inputs in 16
bits. Kernels of eight bits overflow there, of seven they cannot; but few
channels have neighbours so large that they need to lose a bit.
"""

import numpy as np

LEVELS = 127  # the largest integer of a kernel in 8 bits
PAIR = 128  # the most for two together: 255 times it is less than 2**15


def levels_for_pairs(kernel: np.ndarray) -> np.ndarray:
    """The largest integer of each output channel, so that no pair overflows.

    For a kernel that was rounded by them before, the same are found again.

    Args:
        kernel: With inputs and outputs on its last two axes.

    Returns:
        An array of 64 to 127, one number for each output.
    """
    largest = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(0)
    unit = kernel / np.where(largest, largest, 1)
    fitting = np.zeros(len(largest), int)
    rounded = np.zeros(len(largest), int)
    for count in range(LEVELS, PAIR // 2 - 1, -1):
        exact = unit * count
        integers = np.round(exact)
        fits = pair_sums(integers).max(0, initial=0) <= PAIR
        off = np.abs(exact - integers).reshape(-1, len(largest)).max(0)
        fitting[fits & (fitting == 0)] = count
        rounded[fits & (off < 1e-3) & (rounded == 0)] = count
    return np.where(rounded, rounded, fitting)


def find_neighbours(count: int, inputs: int) -> dict[int, int]:
    """The pairs of `pair_sums` among `count` places, `inputs` for each tap."""
    pairs = [
        (tap + first, tap + first + 1)
        for tap in range(0, count, inputs)
        for first in range(0, inputs - 1, 2)
    ]
    return {a: b for pair in pairs for a, b in (pair, pair[::-1])}


def pair_sums(integers: np.ndarray) -> np.ndarray:
    """Magnitudes of the sums of neighbouring inputs, `(pairs, outputs)`."""
    *_, inputs, outputs = integers.shape
    paired = integers[..., : inputs // 2 * 2, :]
    return np.abs(paired.reshape(-1, 2, outputs).sum(1))
