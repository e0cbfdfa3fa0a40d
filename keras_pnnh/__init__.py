"""Deep image models without skip connections, in Keras 3."""

from keras_pnnh import (
    analysis,
    applications,
    conversion,
    deployment,
    layers,
    theory,
    weights,
)
from keras_pnnh._version import __version__
from keras_pnnh.applications import create_model, list_models
from keras_pnnh.conversion import (
    as_sequential,
    audit,
    fold,
    from_residual,
    truncate,
)
from keras_pnnh.deployment import export
from keras_pnnh.weights import list_weights, save_weights

__all__ = [
    "__version__",
    "analysis",
    "applications",
    "as_sequential",
    "audit",
    "conversion",
    "create_model",
    "deployment",
    "export",
    "fold",
    "from_residual",
    "layers",
    "list_models",
    "list_weights",
    "save_weights",
    "theory",
    "truncate",
    "weights",
]
