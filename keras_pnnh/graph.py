"""The graph of a functional model: read it, or run it on other tensors.

The only file that touches Keras's record of how a tensor was made
(`_keras_history` and the node behind it), for which there is no public name.
"""

from typing import Any, NamedTuple

import keras


class Tensor(NamedTuple):
    """An edge of the graph; `key` tells it from all others."""

    key: tuple
    shape: tuple


class Call(NamedTuple):
    """A node of the graph: one call of one layer."""

    layer: Any
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_calls(model):
    """All calls of a model's layers in an order in which they can run.

    Nested models are read through: their layers appear, they do not. Layers
    whose results the model does not use are left out.

    Args:
        model: A functional or sequential `keras.Model`.

    Returns:
        A list of `Call`, inputs first.

    Raises:
        ValueError: If the model has no graph (a subclass with its own `call`,
            or a sequential model that is not built).
    """
    calls = []
    _read_into(calls, model, context=(), known={})
    return calls


def _read_into(calls, model, context, known):
    for node in _nodes_in_order(model):
        inputs = tuple(
            _resolve(tensor, context, known) for tensor in node.input_tensors
        )
        if context and isinstance(node.operation, keras.layers.InputLayer):
            continue  # the outer graph has made this tensor
        if not has_graph(node.operation):
            outputs = tuple(
                _resolve(tensor, context, known) for tensor in node.outputs
            )
            calls.append(Call(node.operation, inputs, outputs))
            continue
        # The same inner model may be called twice: name its tensors by call.
        inner, inner_context = node.operation, (*context, id(node))
        for tensor, outer in zip(inner.inputs, inputs, strict=True):
            known[(*inner_context, id(tensor))] = outer
        _read_into(calls, inner, inner_context, known)
        for tensor, result in zip(node.outputs, inner.outputs, strict=True):
            known[(*context, id(tensor))] = _resolve(
                result, inner_context, known
            )


def _resolve(tensor, context, known):
    key = (*context, id(tensor))
    return known.get(key, Tensor(key, tuple(tensor.shape)))


def has_graph(layer):
    """Whether a layer is itself a model with a graph of layers."""
    return isinstance(layer, keras.Model) and bool(
        getattr(layer, "outputs", None)
    )


def _nodes_in_order(model):
    """Nodes from inputs to outputs, each after those it depends on."""
    if not has_graph(model):
        raise ValueError(
            "This works on the graph of a functional model, or of a sequential "
            f"one that is built. Received: {type(model).__name__} "
            f"'{getattr(model, 'name', model)}', which has none. Build it, or "
            "wrap it: `keras.Model(inputs, model(inputs))` reads functional "
            "models inside."
        )
    order, seen = [], set()
    stack = [_producer(tensor) for tensor in reversed(model.outputs)]
    sources = {id(tensor) for tensor in model.inputs}
    while stack:
        node = stack[-1]
        waiting = []
        if not all(id(tensor) in sources for tensor in node.outputs):
            waiting = [
                parent
                for parent in map(_producer, node.input_tensors)
                if id(parent) not in seen
            ]
        if waiting:
            stack.extend(reversed(waiting))
            continue
        stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            order.append(node)
    return order


def _producer(tensor):
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def replay(model, inputs, call):
    """Run a model's graph on other inputs.

    Args:
        model: As for `read_calls`.
        inputs: One tensor for each of the model's inputs.
        call: Function `(layer, args, kwargs) -> outputs` that is called in
            place of every layer, those of nested models included.

    Returns:
        The list of the outputs.
    """
    values = {
        id(tensor): value
        for tensor, value in zip(model.inputs, inputs, strict=True)
    }

    def substitute(item):
        if isinstance(item, keras.KerasTensor):
            return values[id(item)]
        return item

    for node in _nodes_in_order(model):
        if all(id(tensor) in values for tensor in node.outputs):
            continue
        args, kwargs = keras.tree.map_structure(
            substitute, (node.arguments.args, node.arguments.kwargs)
        )
        if has_graph(node.operation):
            outputs = replay(node.operation, keras.tree.flatten(args), call)
        else:
            outputs = keras.tree.flatten(call(node.operation, args, kwargs))
        for tensor, value in zip(node.outputs, outputs, strict=True):
            values[id(tensor)] = value
    return [values[id(tensor)] for tensor in model.outputs]
