"""How much of the network's input a linear read-out finds in a layer."""

from typing import Any

import numpy as np


def ridge_r2(features: Any, targets: Any, penalty: float = 1e-4) -> float:
    """R2 of a ridge regression, on images that it was not fitted to.

    Fitted on the first half of the images and scored on the second: the share
    of the targets' variance that a linear map of the features explains (Hoerl
    and Kennard 1970; as a linear probe, Alain and Bengio 2016, arXiv
    1610.01644). Positions count as samples, so in a convolutional layer the
    read-out is a 1x1 convolution.

    Args:
        features: Array `(images, ..., channels)`.
        targets: Array `(images, ..., channels of the targets)` with the same
            axes in between.
        penalty: Weight of the squared coefficients, in units of the mean
            variance of a feature, so that the scale of a layer does not
            matter.

    Returns:
        Number up to 1, which is reached if everything can be read. About 0
        if nothing can; below 0 if the read-out is worse than the mean.

    Raises:
        ValueError: If there are less than two images, the axes differ, or the
            targets of the second half are constant.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis.measures import ridge_r2
    >>> features = np.random.default_rng(0).normal(size=(64, 4))
    >>> ridge_r2(features, features @ np.ones((4, 2))) > 0.99
    True
    """
    if len(features) < 2 or features.shape[:-1] != targets.shape[:-1]:
        raise ValueError(
            "A read-out needs features and targets with the same axes but the "
            "last, and two images at least. Received: features of shape "
            f"{features.shape}, targets of shape {targets.shape}."
        )
    half = len(features) // 2
    fitted_x, fitted_y = _as_rows(features[:half]), _as_rows(targets[:half])
    tested_x, tested_y = _as_rows(features[half:]), _as_rows(targets[half:])
    mean_x, mean_y = fitted_x.mean(axis=0), fitted_y.mean(axis=0)
    fitted_x -= mean_x
    covariance = fitted_x.T @ fitted_x
    channels = len(covariance)
    scale = np.trace(covariance) / channels
    total = np.sum((tested_y - tested_y.mean(axis=0)) ** 2)
    if total == 0:
        raise ValueError(
            "R2 is a share of the targets' variance, which must not be zero. "
            f"Received: {len(features) - half} images to test on whose targets "
            "are all equal. Give different images."
        )
    ridge = covariance + (penalty * scale or 1.0) * np.eye(channels)
    weights = np.linalg.solve(ridge, fitted_x.T @ (fitted_y - mean_y))
    errors = tested_y - mean_y - (tested_x - mean_x) @ weights
    return float(1 - np.sum(errors**2) / total)


def _as_rows(array):
    return array.reshape(-1, array.shape[-1]).astype("float64")
