"""Reading a model's graph, copying its layers, cutting its chain."""

from keras_pnnh.graph.reading import (
    Call,
    Graph,
    Tensor,
    has_graph,
    layer_outputs,
    read,
    replay,
)

from keras_pnnh.graph.chains import as_sequential, truncate  # isort: skip
from keras_pnnh.graph.cuts import Cut, list_cuts, split  # isort: skip

__all__ = [
    "Call",
    "Cut",
    "Graph",
    "Tensor",
    "as_sequential",
    "has_graph",
    "layer_outputs",
    "list_cuts",
    "read",
    "replay",
    "split",
    "truncate",
]
