"""The mathematics of plain networks with an internal path, in NumPy.

A framework-free leaf: nothing here imports Keras or a backend.
"""

from keras_pnnh.theory.kernel_standardization import (
    RECTIFIED_GAIN,
    standardize_kernel,
)
from keras_pnnh.theory.kernels import merge_coder, pad_channels, place_at_tap
from keras_pnnh.theory.norm_folding import fold_norm
from keras_pnnh.theory.perfect_coders import (
    CARRYING_ACTIVATIONS,
    averaging_coder,
    carries_identity,
    identity_coder,
    paired_coder,
)
from keras_pnnh.theory.reconstruction import (
    explained_variance_bound,
    linear_reconstruction_error,
    reconstruction_error_bound,
)
from keras_pnnh.theory.rectified_normal import (
    MEAN,
    SECOND_MOMENT,
    VARIANCE,
    covariance,
    sample,
    second_moment,
)
from keras_pnnh.theory.shortcut_taps import shortcut_tap
from keras_pnnh.theory.survival import survival_probability

__all__ = [
    "CARRYING_ACTIVATIONS",
    "MEAN",
    "RECTIFIED_GAIN",
    "SECOND_MOMENT",
    "VARIANCE",
    "averaging_coder",
    "carries_identity",
    "covariance",
    "explained_variance_bound",
    "fold_norm",
    "identity_coder",
    "linear_reconstruction_error",
    "merge_coder",
    "pad_channels",
    "paired_coder",
    "place_at_tap",
    "reconstruction_error_bound",
    "sample",
    "second_moment",
    "shortcut_tap",
    "standardize_kernel",
    "survival_probability",
]
