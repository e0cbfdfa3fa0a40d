"""Which tensors of a network are worth reading, and where they stand."""

import difflib
import fnmatch
from typing import Any, NamedTuple

import numpy as np

from keras_pnnh import graph
from keras_pnnh.layers import Coder

# Non-linearities with phi(u) > 0 exactly where u > 0, by the name of the
# function, layer or operation: after them survival can still be read.
SIGN_KEEPING = {
    "celu",
    "elu",
    "gelu",
    "hardsilu",
    "hardswish",
    "hardtanh",
    "leakyrelu",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "silu",
    "softsign",
    "swish",
    "tanh",
}
MERGES = {"Add", "Average", "Concatenate", "Maximum", "Multiply", "Subtract"}


class Tap(NamedTuple):
    """One tensor that is read.

    Attributes:
        name: Name of the layer that makes it, with `#2` for its second call.
        call: Number of the call in the order in which the graph runs.
        depth: Layers with a kernel on the longest path to here.
        nonlinear: Whether it leaves a sign-keeping non-linearity.
        trunk: Whether every path from input to output leads through it. What
            is lost on the trunk is lost; a branch may lose what a shortcut
            keeps.
        channels_first: Whether the channels are on axis 1.

    Example:

    >>> from keras_pnnh.analysis import find_taps
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> tap = find_taps(model)[0]
    >>> tap.name, tap.depth, tap.trunk
    ('stem_relu', 1, True)
    """

    name: str
    call: int
    depth: int
    nonlinear: bool
    trunk: bool
    channels_first: bool


def find_taps(model: Any, layers: Any = None) -> list[Any]:
    """The tensors of a model that show what happens to its signal.

    Args:
        model: A functional or sequential `keras.Model`; nested models are
            flattened.
        layers: Names of layers or shell patterns such as `"*_relu2"`. None
            takes what leaves a non-linearity, and the sums on the trunk that
            no non-linearity follows (as in pre-norm networks).

    Returns:
        List of `Tap` in the order of the graph.

    Raises:
        ValueError: If the model has no graph, a pattern fits no layer, or
            there is nothing to read.

    Example:

    >>> from keras_pnnh.analysis import find_taps
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> [tap.name for tap in find_taps(model, "stage2_*relu*")]
    ['stage2_block1_relu1', 'stage2_block1_relu2']
    """
    network = graph.read(model)
    every = _all_taps(network, len(model.inputs))
    if layers is not None:
        return _matching(every, [layers] if isinstance(layers, str) else layers)
    readers = network.readers()
    calls = network.calls[len(model.inputs) :]
    taps = [
        tap
        for tap, call in zip(every, calls, strict=True)
        if tap.nonlinear or (tap.trunk and _ends_in_sum(call, readers))
    ]
    if not taps:
        raise ValueError(
            "Without `layers`, a model is read after its non-linearities and "
            f"sums. Received: model '{model.name}' with neither. Name the "
            "layers, or `layers='*'` for all."
        )
    return taps


def _all_taps(network, inputs):
    """One tap for every call with a single output, in order."""
    trunk = _trunk(network)
    first = any(
        getattr(call.layer, "data_format", None) == "channels_first"
        for call in network.calls
    )
    taps, depth, uses = [], {}, {}
    for index, call in enumerate(network.calls):
        before = max((depth[tensor] for tensor in call.inputs), default=0)
        here = before + _has_kernel(call.layer)
        depth.update(dict.fromkeys(call.outputs, here))
        uses[call.layer] = uses.get(call.layer, 0) + 1
        suffix = f"#{uses[call.layer]}" if uses[call.layer] > 1 else ""
        if index >= inputs:
            taps.append(
                Tap(
                    call.layer.name + suffix,
                    index - inputs,
                    here,
                    is_nonlinear(call.layer),
                    call.outputs[0] in trunk,
                    first and len(call.outputs[0].shape) > 2,
                )
            )
    return taps


def is_nonlinear(layer: Any) -> bool:
    """Whether a layer ends in a sign-keeping non-linearity."""
    if isinstance(layer, Coder):
        return False  # its activation stands between encoder and decoder
    function = getattr(layer, "activation", None)
    if function is None:
        name = type(layer).__name__
    else:
        name = getattr(function, "__name__", type(function).__name__)
    return name.lower().replace("_", "") in SIGN_KEEPING


def _has_kernel(layer):
    weights = getattr(layer, "weights", ())
    return any("kernel" in weight.name for weight in weights)


def _ends_in_sum(call, readers):
    followers = [reader for reader in readers[call.outputs[0]] if reader]
    return type(call.layer).__name__ in MERGES and not (
        len(followers) == 1 and is_nonlinear(followers[0].layer)
    )


def _trunk(network):
    """Tensors that are alone when they are made: nothing leads around them."""
    last_reader = dict.fromkeys(network.outputs, len(network.calls))
    for index, call in reversed(list(enumerate(network.calls))):
        for tensor in call.inputs:
            last_reader.setdefault(tensor, index)
    trunk, waiting = set(), set()
    for index, call in enumerate(network.calls):
        waiting.update(call.outputs)
        waiting = {
            tensor for tensor in waiting if last_reader.get(tensor, -1) > index
        }
        if waiting == set(call.outputs) and len(waiting) == 1:
            trunk |= waiting
    return trunk


def _matching(taps, patterns):
    names = [tap.name for tap in taps]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            near = difflib.get_close_matches(pattern, names, cutoff=0.0)
            raise ValueError(
                "`layers` must hold names of layers of the model, or patterns "
                f"that fit some. Received: {pattern!r}. Nearest: "
                f"{', '.join(near)}."
            )
    return [
        tap
        for tap in taps
        if any(fnmatch.fnmatch(tap.name, pattern) for pattern in patterns)
    ]


def channels_last(images: Any, taps: Any) -> Any:
    """Images of a model with their channels on the last axis.

    Args:
        images: Array `(n, ...)` as the model takes it.
        taps: Any of the model's taps.
    """
    first = images.ndim == 4 and any(tap.channels_first for tap in taps)
    return np.moveaxis(images, 1, -1) if first else images
