"""Measures of a layer, each one function from array to number. NumPy only.

Activations are arrays `(images, ..., channels)`. A new measure is a new
function here and a field of `LayerSignal`.
"""

from keras_pnnh.analysis.measures.alignment import linear_cka
from keras_pnnh.analysis.measures.collapse import mean_cosine
from keras_pnnh.analysis.measures.gradient import gradient_norm
from keras_pnnh.analysis.measures.moments import (
    activation_mean,
    activation_variance,
)
from keras_pnnh.analysis.measures.rank import effective_rank
from keras_pnnh.analysis.measures.readout import ridge_r2
from keras_pnnh.analysis.measures.survival import dead_share, survival_share

__all__ = [
    "activation_mean",
    "activation_variance",
    "dead_share",
    "effective_rank",
    "gradient_norm",
    "linear_cka",
    "mean_cosine",
    "ridge_r2",
    "survival_share",
]
