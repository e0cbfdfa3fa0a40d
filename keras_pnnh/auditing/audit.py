"""What a network is once deployed: its paths, depth, size and memory."""

import math
import os
from typing import Any, overload

import keras

from keras_pnnh import graph
from keras_pnnh.auditing.audit_report import (
    AuditReport,
    LayerRow,
)
from keras_pnnh.auditing.exported_file import FileReport, audit_file
from keras_pnnh.auditing.liveness import measure_liveness
from keras_pnnh.auditing.macs import (
    UnknownCostError,
    count_macs,
)
from keras_pnnh.folding.handed import folds, handed_key, hands_out_weights
from keras_pnnh.folding.norms import norms_to_fold
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    pack_like,
)
from keras_pnnh.layers import PlainLayer


# To the checker, Keras's classes are of unknown kind.
@overload
def audit(  # pyright: ignore[reportOverlappingOverload]
    model: str | os.PathLike[str],
) -> FileReport: ...


@overload
def audit(
    model: keras.Model,
    input_shape: Any = None,
    leave_out_unknown: bool = False,
) -> AuditReport: ...


def audit(
    model: keras.Model | str | os.PathLike[str],
    input_shape: Any = None,
    leave_out_unknown: bool = False,
) -> AuditReport | FileReport:
    """Examine the graph of a model, or of an exported file.

    A network is *plain* if it is one chain: every tensor is read by exactly
    one layer (or is the result) and every layer reads one tensor. It is
    *pass-through* if it is such a chain with layers of this library in which
    channels pass the others by: in an exported file, these become slices and
    joins, unless `write_out` writes them out before. Layers are
    taken as they are: a path inside a custom layer is not seen, but such a
    layer is refused if it has a kernel. In a file every operator is seen.
    Inside attention the input is read as queries, keys and values, in a plain
    network and in its twin alike; the share of itself that a token keeps
    (`PlainAttention`) stands in the matrix that mixes the tokens.

    Args:
        model: A functional or sequential `keras.Model`; nested models are
            flattened. Or the path of an ONNX (".onnx") or LiteRT
            (".tflite") file, of which the joins are counted.
        input_shape: Shape of one input, without the batch, where the model
            leaves sizes open; for several inputs a list of shapes.
        leave_out_unknown: Whether layers with a kernel whose multiplications
            are not known are left out of the counts and named in the report,
            instead of refused.

    Returns:
        An `AuditReport`; of a file a `FileReport`.

    Raises:
        ValueError: If the model has no graph, a size is unknown,
            `input_shape` does not fit, or a layer has a kernel whose
            multiplications are not known; if a file is damaged or of another
            format.
        ModuleNotFoundError: If the package that reads a file is missing.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> chain = keras_pnnh.fold(model)
    >>> report = keras_pnnh.audit(chain)
    >>> report.plain, report.depth
    (True, 6)
    """
    if isinstance(model, (str, os.PathLike)):
        return audit_file(model)
    network = graph.read(model)
    if input_shape is not None:
        network = graph.read(_with_shape(model, network, input_shape))
    _check_sizes(network)
    merges, forks = _merges_and_forks(network)
    macs, uncounted = _count_all(network, leave_out_unknown)
    liveness = measure_liveness(network)
    return AuditReport(
        plain=not merges and not forks and not any(map(_joins, network.calls)),
        name=model.name,
        merges=merges,
        forks=forks,
        shared=_names(filter(hands_out_weights, network.calls)),
        depth=_depth(network, macs),
        parameters=model.count_params(),
        folded_parameters=_folded_parameters(network),
        macs=sum(macs),
        pass_through_channels=max(map(_pass_through, network.calls)),
        **_written_out_costs(network, macs, "written_out"),
        **_written_out_costs(network, macs, "in_range"),
        peak_activation=liveness.peak,
        peak_layer=liveness.layer,
        layers=_rows(network, macs, liveness.live),
        uncounted=uncounted,
    )


def _count_all(network, leave_out_unknown):
    """Multiplications of every call, and the layers that were left out."""
    macs, uncounted = [], []
    for call in network.calls:
        try:
            macs.append(count_macs(call))
        except UnknownCostError:
            if not leave_out_unknown:
                raise
            macs.append(0)
            uncounted.append(call)
    return macs, _names(uncounted)


def _with_shape(model, network, input_shape):
    """A copy of the model, with other weights, for inputs of known size."""
    shapes = [input_shape] if len(model.inputs) == 1 else list(input_shape)
    expected = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if len(shapes) != len(expected) or not all(map(_fits, shapes, expected)):
        raise ValueError(
            "`input_shape` must agree with the model and have no unknown size. "
            f"Received: input_shape={input_shape}, model '{model.name}' with "
            f"inputs of shape {expected}. Give one shape per input, without "
            "the batch."
        )
    copies = LayerCopies()
    inputs = [
        copies.copy(call.layer, batch_shape=(None, *shape)).output
        for call, shape in zip(network.calls, shapes, strict=False)
    ]
    outputs = graph.replay(model, inputs, copies.call)
    return keras.Model(*pack_like(model, inputs, outputs))


def _fits(shape, expected):
    return len(shape) == len(expected) and all(
        size is not None and known in (None, size)
        for size, known in zip(shape, expected, strict=True)
    )


def _check_sizes(network):
    for call in network.calls:
        if any(None in tensor.shape[1:] for tensor in call.outputs):
            raise ValueError(
                "Counting needs every size. Received: layer "
                f"'{call.layer.name}' with outputs of shape "
                f"{[tensor.shape for tensor in call.outputs]}. Pass the shape "
                "of one input, such as `input_shape=(32, 32, 3)`."
            )


def _merges_and_forks(network):
    readers = network.readers()
    merges, forks = [], []
    for call in network.calls:
        if len(call.inputs) > 1:
            merges.append(call)
        if sum(len(readers[tensor]) for tensor in call.outputs) > 1:
            forks.append(call)
    return _names(merges), _names(forks)


def _names(calls):
    """Names of the called layers, each once, in order."""
    return tuple(dict.fromkeys(call.layer.name for call in calls))


def _depth(network, macs):
    """Layers with a kernel on the longest path."""
    depth = {}
    for call, count in zip(network.calls, macs, strict=True):
        before = max((depth[tensor] for tensor in call.inputs), default=0)
        # A layer may multiply without a kernel of its own.
        weighted = count > 0 and bool(getattr(call.layer, "weights", True))
        depth.update(dict.fromkeys(call.outputs, before + weighted))
    return max(depth[tensor] for tensor in network.outputs)


def _folded_parameters(network):
    """Parameters of `fold(model)`, without folding it."""
    norms, producers = norms_to_fold(network), network.producers()
    folded = {}
    for call in network.calls:
        layer = call.layer
        if hands_out_weights(call) or layer in norms.values():
            continue
        if folds(layer):
            size = layer.count_folded_parameters()
        elif layer in norms:
            size = _with_bias(layer)
        else:
            size = _stored(layer)
        folded[layer, handed_key(call, producers)] = size
    return sum(folded.values())


def _with_bias(layer):
    """Parameters of a `Conv2D` or `DepthwiseConv2D` once it has a bias."""
    shape = layer.kernel.shape
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    channels = shape[-2:] if depthwise else shape[-1:]
    return math.prod(shape) + math.prod(channels)


def _stored(layer):
    # An operation such as that of `x + y` is no layer and stores nothing.
    if not isinstance(layer, keras.layers.Layer):
        return 0
    return layer.count_params()


def _pass_through(call):
    layer = call.layer
    if isinstance(layer, PlainLayer):
        return layer.pass_through_channels
    return 0


def _joins(call):
    layer = call.layer
    return isinstance(layer, PlainLayer) and layer.slices_and_joins


def _written_out_costs(network, macs, form):
    """Of `write_out(model)`, without writing it out."""
    planners = [
        call.layer.plan_written_out
        for call in network.calls
        if hasattr(call.layer, "plan_written_out")
    ]
    plan = planners[0](network, form == "in_range") if planners else {}
    if plan is None:
        return {f"{form}_macs": None, f"{form}_parameters": None}
    parameters = _folded_parameters(network)
    total = sum(macs)
    for call, count in zip(network.calls, macs, strict=True):
        if call.layer in plan:
            layers = plan[call.layer]
            total += sum(layer.macs for layer in layers) - count
            parameters += sum(layer.parameters for layer in layers)
            parameters -= _stored(call.layer)
    return {f"{form}_macs": total, f"{form}_parameters": parameters}


def _rows(network, macs, live):
    rows, seen = [], set()
    for call, count, held in zip(network.calls, macs, live, strict=True):
        layer = call.layer
        stored = 0 if layer in seen else _stored(layer)
        seen.add(layer)
        shape = call.outputs[0].shape
        shape = shape if hands_out_weights(call) else shape[1:]
        rows.append(LayerRow(layer.name, shape, stored, count, held))
    return tuple(rows)
