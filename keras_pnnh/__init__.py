"""Deep image models without skip connections, in Keras 3."""

from keras_pnnh import applications, layers, theory, weights
from keras_pnnh._version import __version__
from keras_pnnh.weights import find_weights, list_weights, save_weights

__all__ = [
    "__version__",
    "applications",
    "layers",
    "list_weights",
    "save_weights",
    "theory",
    "weights",
]
