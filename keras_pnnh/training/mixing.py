"""Augmentation that NumPy draws: crops that are resized, MixUp and CutMix."""

import math

import numpy as np

from keras_pnnh.data.decoding import draw_box


def resized_crops(
    images: np.ndarray, least_area: float, generator: np.random.Generator
) -> np.ndarray:
    """A random part of each image, resized to the size of the whole.

    Szegedy et al. 2014 (arXiv 1409.4842, section 6): a share of the area from
    `least_area` to 1 and an aspect ratio from 3/4 to 4/3.

    Args:
        images: `(n, height, width, 3)` uint8.
        least_area: Least share of the area.
        generator: Draws.
    """
    from PIL import Image

    size = images.shape[1:3]
    cropped = np.empty_like(images)
    for number, image in enumerate(images):
        top, left, height, width = draw_box(size, least_area, generator)
        box = (left, top, left + width, top + height)
        cropped[number] = Image.fromarray(image).resize(
            (size[1], size[0]), Image.Resampling.BILINEAR, box
        )
    return cropped


def mix(
    images: np.ndarray,
    labels: np.ndarray,
    mixup: float,
    cutmix: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """MixUp or CutMix of a batch with itself in another order.

    Args:
        images: `(n, height, width, channels)` float32.
        labels: `(n, classes)` float32.
        mixup: Parameter of the beta distribution of MixUp, 0 for none.
        cutmix: That of CutMix; with both, one of them is drawn.
        generator: Draws.
    """
    if not mixup and not cutmix:
        return images, labels
    cut = cutmix > 0 and (not mixup or generator.random() < 0.5)
    parameter = cutmix if cut else mixup
    share = generator.beta(parameter, parameter)
    partners = generator.permutation(len(images))
    if not cut:
        mixed = share * images + (1 - share) * images[partners]
    else:
        height, width = images.shape[1:3]
        edge = math.sqrt(1 - share)
        rows = _span(height, edge, generator)
        columns = _span(width, edge, generator)
        mixed = images.copy()
        mixed[:, rows, columns] = images[partners][:, rows, columns]
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        share = 1 - area / (height * width)
    labels = share * labels + (1 - share) * labels[partners]
    return mixed.astype("float32"), labels.astype("float32")


def _span(length, share, generator):
    """Around a random centre, cut off at the borders."""
    centre = generator.integers(length)
    half = share * length / 2
    start, stop = round(centre - half), round(centre + half)
    return slice(max(start, 0), min(stop, length))
