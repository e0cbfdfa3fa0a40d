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
from keras_pnnh.theory.populations import draw_normal, normalize_draws
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
from keras_pnnh.theory.survival_bound import (
    cantelli_bound,
    paper_bound,
    rectified_survival,
)
from keras_pnnh.theory.survival_of_input import (
    KEPT_BY_RELU,
    input_preservation,
    plain_preservation,
)
from keras_pnnh.theory.survival_walk import (
    WalkStep,
    survival_of_walk,
    walk,
)

__all__ = [
    "CARRYING_ACTIVATIONS",
    "KEPT_BY_RELU",
    "MEAN",
    "RECTIFIED_GAIN",
    "SECOND_MOMENT",
    "VARIANCE",
    "WalkStep",
    "averaging_coder",
    "cantelli_bound",
    "carries_identity",
    "covariance",
    "draw_normal",
    "explained_variance_bound",
    "fold_norm",
    "identity_coder",
    "input_preservation",
    "linear_reconstruction_error",
    "merge_coder",
    "normalize_draws",
    "pad_channels",
    "paired_coder",
    "paper_bound",
    "place_at_tap",
    "plain_preservation",
    "reconstruction_error_bound",
    "rectified_survival",
    "sample",
    "second_moment",
    "shortcut_tap",
    "standardize_kernel",
    "survival_of_walk",
    "survival_probability",
    "walk",
]
