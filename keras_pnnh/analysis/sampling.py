"""Activations of many images within a bounded amount of memory."""

import math
from typing import Any, NamedTuple

import numpy as np


class Sample(NamedTuple):
    """Activations of one layer for all images, at some positions.

    Attributes:
        values: float32 array `(images, positions, channels)`, or
            `(images, channels)` for a layer without positions.
        grid: Sizes of the axes that the positions were taken from: (height,
            width), (tokens,), or () without positions.
        positions: Indices into the flattened grid, sorted.
    """

    values: np.ndarray
    grid: tuple[int, ...]
    positions: np.ndarray


def sample_activations(
    batches: Any, images: Any, memory: Any = 256 << 20, seed: int = 0
) -> dict[Any, Any]:
    """Keep a part of what a probe hands out.

    Every layer gets the same share of the memory. Where its activations do
    not fit, random positions are kept: the same in all images, and among
    layers with equally many positions one layer's are part of the other's.

    Args:
        batches: What `Probe.activations` yields.
        images: Number of images in all batches.
        memory: Bytes for all layers together. At least one position of every
            layer is kept, so wide layers of many images may take more.
        seed: Seed of the choice.

    Returns:
        Dictionary from name of tap to `Sample`.
    """
    samples, row = {}, 0
    for batch in batches:
        size = len(next(iter(batch.values())))
        for name, array in batch.items():
            array, grid = _on_a_grid(array)
            if name not in samples:
                share = memory // len(batch) // images
                samples[name] = _empty(array, grid, images, share, seed)
            values, _, positions = samples[name]
            if grid:
                array = array.reshape(size, -1, array.shape[-1])
                array = array[:, positions]
            values[row : row + size] = array
        row += size
    return samples


def _on_a_grid(array):
    """The activations and the sizes of their position axes.

    A square number of tokens, with or without a class token in front, is a
    grid of patches; the class token is left out.
    """
    grid = array.shape[1:-1]
    if len(grid) == 1:
        side = math.isqrt(grid[0])
        if side * side in (grid[0], grid[0] - 1) and side > 1:
            return array[:, grid[0] - side * side :], (side, side)
    return array, grid


def _empty(array, grid, images, bytes_per_image, seed):
    if not grid:
        shape = (images, array.shape[-1])
        return Sample(np.empty(shape, "float32"), grid, np.arange(0))
    count, channels = math.prod(grid), array.shape[-1]
    kept = min(count, max(1, bytes_per_image // (4 * channels)))
    order = np.random.default_rng((seed, count)).permutation(count)
    values = np.empty((images, kept, channels), "float32")
    return Sample(values, grid, np.sort(order[:kept]))


def input_at(images: Any, sample: Any) -> Any:
    """The network's input as a layer could know it at best.

    Args:
        images: Array `(images, height, width, channels)` or `(images,
            features)`.
        sample: `Sample` of a layer.

    Returns:
        For a layer with a grid of two axes the images shrunk to that grid, by
        averaging, at the sampled positions: `(images, positions, channels)`.
        For a layer without positions the images shrunk to at most 4x4 pixels
        and flattened, `(images, numbers)`. None where there is no such
        correspondence.
    """
    if images.ndim == 2:
        return images if not sample.grid else None
    if images.ndim != 4 or len(sample.grid) not in (0, 2):
        return None
    grid = sample.grid or tuple(min(4, size) for size in images.shape[1:3])
    small = shrink(images, grid)
    if not sample.grid:
        return small.reshape(len(small), -1)
    return small.reshape(len(small), -1, small.shape[-1])[:, sample.positions]


def shrink(images: Any, size: Any) -> Any:
    """Resize by averaging over the area of each new pixel.

    Args:
        images: Array `(images, height, width, channels)`.
        size: New height and width.
    """
    rows = _overlaps(images.shape[1], size[0])
    columns = _overlaps(images.shape[2], size[1])
    return np.einsum(
        "ih,jw,nhwc->nijc", rows, columns, images, optimize=True
    ).astype("float32")


def _overlaps(old, new):
    """Matrix `(new, old)` of the share of each new pixel in old ones."""
    edges = np.arange(new + 1) * old / new
    left = np.maximum(edges[:-1, None], np.arange(old))
    right = np.minimum(edges[1:, None], np.arange(old) + 1)
    return np.maximum(right - left, 0.0) * new / old
