"""Deep image models without skip connections, in Keras 3."""

from keras_pnnh import (
    analysis,
    applications,
    auditing,
    data,
    deployment,
    folding,
    graph,
    layers,
    pass_through,
    theory,
    weights,
)
from keras_pnnh._version import __version__
from keras_pnnh.applications import create_model, list_models
from keras_pnnh.auditing import audit
from keras_pnnh.deployment import export
from keras_pnnh.folding import fold
from keras_pnnh.graph import (
    as_sequential,
    truncate,
)
from keras_pnnh.pass_through import from_residual, write_out
from keras_pnnh.weights import list_weights, save_weights

__all__ = [
    "__version__",
    "analysis",
    "applications",
    "as_sequential",
    "audit",
    "auditing",
    "create_model",
    "data",
    "deployment",
    "export",
    "fold",
    "folding",
    "from_residual",
    "graph",
    "layers",
    "list_models",
    "list_weights",
    "pass_through",
    "save_weights",
    "theory",
    "truncate",
    "weights",
    "write_out",
]
