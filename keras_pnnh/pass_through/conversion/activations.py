"""Which layers and operations are elementwise non-linearities."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.pass_through.layers.carry_activation import ELEMENTWISE

# Layers, and the operations behind `keras.ops` and `keras.activations` (by
# class name: these have no public class), by their name in
# `keras.activations`. Their attributes are its arguments.
_ACTIVATIONS = {
    "Celu": "celu",
    "Clip": "clip",
    "ELU": "elu",
    "Elu": "elu",
    "Exp": "exponential",
    "Gelu": "gelu",
    "HardShrink": "hard_shrink",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh",
    "LeakyReLU": "leaky_relu",
    "LeakyRelu": "leaky_relu",
    "LogSigmoid": "log_sigmoid",
    "Mish": "mish",
    "ReLU": "relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "SoftShrink": "soft_shrink",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "SparsePlus": "sparse_plus",
    "SparseSigmoid": "sparse_sigmoid",
    "Squareplus": "squareplus",
    "Tanh": "tanh",
    "TanhShrink": "tanh_shrink",
}

# Layers that have an `activation`, checked before anything is copied.
_WITH_ACTIVATION = (
    keras.layers.Activation,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
    keras.layers.EinsumDense,
    keras.layers.SeparableConv2D,
)


def activation_of(layer: Any) -> Any:
    """Name and arguments of a non-linearity, or None.

    Args:
        layer: A layer or operation that has one input.

    Returns:
        Pair of a key of `ELEMENTWISE` and a dictionary, or None for anything
        that is not known to be elementwise.
    """
    if type(layer) is keras.layers.Activation:
        name = activation_name(layer.activation)
        return (name, {}) if name in ELEMENTWISE else None
    name = _ACTIVATIONS.get(type(layer).__name__)
    if name is None or not type(layer).__module__.startswith("keras."):
        return None
    arguments = {
        argument: getattr(layer, argument)
        for argument in ELEMENTWISE[name]
        if getattr(layer, argument, None) is not None
    }
    if any(np.ndim(value) for value in arguments.values()):
        return None
    return name, {
        argument: value if isinstance(value, bool) else float(value)
        for argument, value in arguments.items()
    }


def fused_activation(layer: Any) -> Any:
    """Name and arguments of the function that a layer has inside.

    The function may be a layer of Keras's, such as `LeakyReLU`. `"linear"` for
    none; None for a function that is not Keras's.
    """
    function = layer.activation
    if isinstance(function, keras.layers.Layer):
        return activation_of(function)
    name = activation_name(function)
    return None if name is None else (name, {})


def activation_name(function: Any) -> Any:
    """Name of a function in `keras.activations`, or None."""
    name = getattr(function, "__name__", None)
    known = getattr(keras.activations, name, None) if name else None
    return name if known is function else None


def check_activations(network: Any) -> None:
    """Refuse functions that are not Keras's own.

    Raises:
        ValueError: Naming the first layer with such a function.
    """
    for call in network.calls:
        layer = call.layer
        if not isinstance(layer, _WITH_ACTIVATION):
            continue
        if fused_activation(layer) is None:
            name = getattr(layer.activation, "__name__", layer.activation)
            raise ValueError(
                "Every activation must be a function of `keras.activations`: "
                "what another one does to pass-through channels is unknown. "
                f"Received: layer '{layer.name}' with activation {name}. Use "
                'one such as "relu", or `keras.layers.ReLU(max_value=6)`.'
            )
