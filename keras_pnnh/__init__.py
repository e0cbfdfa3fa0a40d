"""Deep image models without skip connections, in Keras 3.

What has to be registered with `keras.saving` is imported at once, so that
files load after `import keras_pnnh` alone; everything else at its first use.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from keras_pnnh._version import __version__

if TYPE_CHECKING:  # for editors and type checkers, which read no `_LAZY`
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
        publishing,
        theory,
        training,
        weights,
    )
    from keras_pnnh.applications import (
        create_model,
        from_weights,
        list_models,
    )
    from keras_pnnh.auditing import audit
    from keras_pnnh.deployment import export
    from keras_pnnh.folding import fold
    from keras_pnnh.graph import as_sequential, split, truncate
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
    "from_weights",
    "graph",
    "layers",
    "list_models",
    "list_weights",
    "pass_through",
    "publishing",
    "save_weights",
    "split",
    "theory",
    "training",
    "truncate",
    "weights",
    "write_out",
]

# Where each function comes from; every other name is a sub-package.
_LAZY = {
    "as_sequential": "graph",
    "audit": "auditing",
    "create_model": "applications",
    "export": "deployment",
    "fold": "folding",
    "from_residual": "pass_through",
    "from_weights": "applications",
    "list_models": "applications",
    "list_weights": "weights",
    "save_weights": "weights",
    "split": "graph",
    "truncate": "graph",
    "write_out": "pass_through",
}

# Importing these registers every layer and model with `keras.saving`.
_REGISTERING = ("layers", "pass_through", "applications", "training")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_LAZY.get(name, name)}")
    if name not in _LAZY:
        return module
    globals()[name] = getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


def _register() -> None:
    for name in _REGISTERING:
        importlib.import_module(f"{__name__}.{name}")


# The console command answers `--help` without Keras and registers later.
if "keras_pnnh_command" not in sys.modules:
    _register()
