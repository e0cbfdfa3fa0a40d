"""Kernels and activations in integers, as runtimes round them, and better."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.deployment.quantization.levels import (
    LEVELS,
    PAIR,
    find_neighbours,
)

ROWS = 4096  # places of the images by which a kernel is rounded
PASSES = 4
# Kernels that read more numbers are rounded to the nearest: their time grows
# with the square of it.
MOST = 2304


def kernel_scale(
    kernel: np.ndarray, depthwise: bool, levels: int | np.ndarray = LEVELS
) -> np.ndarray:
    """What an integer stands for, one number for each output channel."""
    axes = tuple(range(kernel.ndim - (2 if depthwise else 1)))
    scale = np.abs(kernel).max(axes, keepdims=True) / levels
    scale[scale == 0] = 1
    return scale


def round_kernel(
    kernel: np.ndarray, depthwise: bool, levels: int | np.ndarray = LEVELS
) -> np.ndarray:
    """A kernel as a runtime rounds it: to the nearest."""
    scale = kernel_scale(kernel, depthwise, levels)
    return np.round(kernel / scale) * scale


def round_for_inputs(
    layer: Any,
    kernel: np.ndarray,
    inputs: np.ndarray,
    levels: int | np.ndarray = LEVELS,
    pairs: bool = False,
) -> np.ndarray:
    """A kernel rounded so that the layer's outputs vary least from its own.

    One number after the other goes to the integer that is best for the
    outputs on these inputs, given those of the others, some times over. The
    largest of each output channel stays: a runtime takes the scale from it,
    and so rounds the result to itself.

    Args:
        layer: A convolution or `Dense` layer of one group.
        kernel: Its kernel.
        inputs: A batch of what it reads.
        levels: The largest integer, or that of each output channel.
        pairs: Whether sums of neighbours stay within `PAIR` (see `levels`).

    Returns:
        An array like `kernel`.
    """
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    scale = kernel_scale(kernel, depthwise, levels)
    exact = kernel / scale
    read = sample_windows(layer, kernel, inputs)
    taps = read.shape[1]
    if depthwise:  # a kernel of its own for each channel
        shape, count = (taps, *kernel.shape[-2:]), taps
        wanted = exact.reshape(shape).transpose(1, 0, 2)
        windows = read.transpose(2, 0, 1)
    else:
        count = taps * kernel.shape[-2]
        wanted = exact.reshape(1, count, kernel.shape[-1])
        windows = read.reshape(1, len(read), -1)
    if count > MOST:
        return (np.round(exact) * scale).astype(kernel.dtype)
    # Of means the bias takes care.
    windows = windows - windows.mean(1, keepdims=True)
    products = np.matmul(windows.transpose(0, 2, 1), windows)
    found = _descend(
        wanted,
        products.astype("float64"),
        levels,
        find_neighbours(count, kernel.shape[-2]) if pairs else {},
    )
    if depthwise:
        found = found.transpose(1, 0, 2)
    return (found.reshape(kernel.shape) * scale).astype(kernel.dtype)


def _descend(wanted, products, levels, neighbours):
    """Integers near `wanted` for which the products with the rest are small.

    Args:
        wanted: `(kernels, inputs, outputs)`.
        products: `(kernels, inputs, inputs)`, of the inputs with each other.
        levels: The largest integer, or that of each output.
        neighbours: Dictionary from an input to that it is added up with.
    """
    found = np.round(wanted)
    largest = np.abs(found).max(1, keepdims=True)
    free = np.abs(found) < np.maximum(largest, 1)
    slope = np.matmul(products, found - wanted)
    own = np.einsum("kii->ki", products)
    for _ in range(PASSES):
        moved = False
        for place in range(wanted.shape[1]):
            curve = own[:, place, None]
            step = slope[:, place] / np.where(curve > 0, curve, 1)
            best = np.round(found[:, place] - step).clip(-levels, levels)
            if place in neighbours:
                other = found[:, neighbours[place]]
                best = best.clip(-PAIR - other, PAIR - other)
            change = np.where(
                free[:, place] & (curve > 0), best - found[:, place], 0
            )
            if change.any():
                moved = True
                found[:, place] += change
                slope += products[:, :, place, None] * change[:, None]
        if not moved:
            break
    return found


def sample_windows(
    layer: Any, kernel: np.ndarray, inputs: np.ndarray
) -> np.ndarray:
    """What the kernel sees at some places of the images, `(rows, taps, in)`."""
    generator = np.random.default_rng(0)
    if isinstance(layer, keras.layers.Dense):
        rows = inputs.reshape(-1, 1, inputs.shape[-1])
        chosen = generator.permutation(len(rows))[:ROWS]
        return rows[np.sort(chosen)]
    if layer.data_format == "channels_first":
        inputs = inputs.transpose(0, 2, 3, 1)
    steps, places = [], [generator.integers(0, len(inputs), ROWS)]
    for axis in (0, 1):
        size, stride = inputs.shape[axis + 1], layer.strides[axis]
        taps = np.arange(kernel.shape[axis]) * layer.dilation_rate[axis]
        before, count = 0, (size - taps[-1] - 1) // stride + 1
        if layer.padding == "same":
            count = -(-size // stride)
            before = max((count - 1) * stride + taps[-1] + 1 - size, 0) // 2
        places.append(generator.integers(0, count, ROWS) * stride - before)
        steps.append(taps)
    windows = []
    for row in steps[0]:
        for column in steps[1]:
            y, x = places[1] + row, places[2] + column
            inside = (y >= 0) & (x >= 0)
            inside &= (y < inputs.shape[1]) & (x < inputs.shape[2])
            seen = inputs[places[0], y * inside, x * inside]
            windows.append(seen * inside[:, None])
    return np.stack(windows, 1)


def in_8_bits(values: np.ndarray) -> np.ndarray:
    """An array as a runtime keeps it: one scale and one zero point."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    scale = (high - low) / 255
    if not scale:
        return values
    zero = np.round(-low / scale)
    levels = values / scale
    np.round(levels, out=levels)
    levels += zero
    np.clip(levels, 0, 255, out=levels)
    levels -= zero
    return (levels * scale).astype(values.dtype)
