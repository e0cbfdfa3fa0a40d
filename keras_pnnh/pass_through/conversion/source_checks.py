"""What a model must be before it is converted."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.folding.handed import hands_out_weights
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.pass_through.conversion.activations import check_activations
from keras_pnnh.pass_through.conversion.operations import unsupported


def check_source(model: keras.Model, network: Any) -> None:
    """Refuse models that have no equal chain, or whose numbers are broken.

    Args:
        model: The `keras.Model`.
        network: Its `graph.Graph`.

    Raises:
        ValueError: For several inputs or results, a model without layers, a
            layer that is quantised or makes masks, a layer with weights that
            is called twice, weights that are not finite, or an activation
            that is not Keras's.
    """
    _check_ends(model)
    if len(network.calls) < 2:
        raise ValueError(
            "A chain has at least one layer. Received: model "
            f"'{model.name}', whose result is its input. Convert a model that "
            "computes something."
        )
    for call in network.calls:
        _check_kind(call.layer)
    _check_sharing(network)
    check_activations(network)
    _check_numbers(network)


def _check_ends(model):
    for side in ("inputs", "outputs"):
        count = len(getattr(model, side))
        if count != 1:
            raise ValueError(
                "A chain has one input and one result. Received: model "
                f"'{model.name}' with {count} {side}. Convert the part of it "
                "between one input and one result: "
                "`keras.Model(inputs, outputs)`."
            )


def _check_kind(layer):
    if getattr(layer, "quantization_mode", None) is not None:
        raise unsupported(
            layer.name,
            type(layer).__name__,
            f"is quantised ({layer.quantization_mode})",
            "Convert the network before it is quantised, and quantise the "
            "chain.",
        )
    masking = isinstance(layer, keras.layers.Masking)
    if masking or getattr(layer, "mask_zero", False):
        raise unsupported(
            layer.name,
            type(layer).__name__,
            "makes a mask, which the layers after it would have to heed",
            "Build the model without masks.",
        )


def _check_sharing(network):
    seen = set()
    for call in network.calls:
        layer = call.layer
        if not getattr(layer, "weights", None) or hands_out_weights(call):
            continue
        if layer in seen:
            raise ValueError(
                "Every layer of a chain has its own weights. Received: layer "
                f"'{layer.name}', which is called more than once. Give each "
                "call a layer of its own, with equal weights."
            )
        seen.add(layer)


def _check_numbers(network):
    for call in network.calls:
        if not isinstance(call.layer, keras.layers.Layer):
            continue
        for variable in call.layer.weights:
            if not np.isfinite(to_numpy(variable).astype("float64")).all():
                raise ValueError(
                    "All weights must be finite. Received: layer "
                    f"'{call.layer.name}' with NaN or infinity in "
                    f"'{variable.path}'. Load weights of a training that did "
                    "not diverge."
                )
