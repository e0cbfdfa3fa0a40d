"""The graph of a functional model: read it, or run it on other tensors.

The only file that touches Keras's record of how a tensor was made
(`_keras_history` and the node behind it), for which there is no public name.
"""

import dataclasses
import inspect
from collections import Counter
from typing import Any, NamedTuple

import keras


# Compared by identity: an edge is equal to nothing but itself.
@dataclasses.dataclass(frozen=True, eq=False)
class Tensor:
    """An edge of the graph.

    Attributes:
        shape: Its shape with the batch, None for a size that varies.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> graph.read(model).outputs[0].shape
    (None, 2)
    """

    shape: tuple[Any, ...]


class Call(NamedTuple):
    """A node of the graph: one call of one layer.

    `args` and `kwargs` are what the layer was called with, each Keras tensor
    replaced by its `Tensor`; `inputs` are the tensors among them.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> last = graph.read(model).calls[-1]
    >>> type(last.layer).__name__, len(last.inputs)
    ('Dense', 1)
    """

    layer: Any
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}


class Graph(NamedTuple):
    """Calls in an order in which they can run, and the model's results.

    Attributes:
        calls: A `Call` for each call of a layer.
        outputs: The `Tensor`s that the model returns.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> [type(call.layer).__name__ for call in graph.read(model).calls]
    ['InputLayer', 'Dense']
    """

    calls: list[Call]
    outputs: tuple[Tensor, ...]

    def producers(self) -> dict[Tensor, Call]:
        """Dictionary from each tensor to the call that made it."""
        return {tensor: call for call in self.calls for tensor in call.outputs}

    def readers(self) -> dict[Tensor, list[Any]]:
        """Dictionary from each tensor to the list of calls that read it.

        A call that reads a tensor twice is listed twice; a result of the
        model is read by `None`, once for each time it is a result.
        """
        readers = {tensor: [] for tensor in self.producers()}
        for call in self.calls:
            for tensor in call.inputs:
                readers[tensor].append(call)
        for tensor in self.outputs:
            readers[tensor].append(None)
        return readers


def read(model: keras.Model) -> Graph:
    """The graph of a model.

    Nested models are flattened: their layers appear instead of them. Layers
    whose results the model does not use are left out. The calls begin with
    those of the model's input layers, in the order of `model.inputs`.

    Args:
        model: A functional or sequential `keras.Model`.

    Returns:
        A `Graph`.

    Raises:
        ValueError: If the model has no graph (a subclass with its own `call`,
            or a sequential model that is not built).

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> len(graph.read(model).calls)  # the input and the dense layer
    2
    """
    _check_graph(model)
    calls = []
    for tensor in model.inputs:
        made = (Tensor(tuple(tensor.shape)),)
        calls.append(Call(tensor._keras_history.operation, (), made))

    def visit(node, args, kwargs):
        _check_class(node.operation)
        # Not one tree: a dictionary's keys would be sorted.
        inputs = tuple(
            leaf
            for leaf in keras.tree.flatten([*args, *kwargs.values()])
            if isinstance(leaf, Tensor)
        )
        outputs = tuple(Tensor(tuple(made.shape)) for made in node.outputs)
        calls.append(Call(node.operation, inputs, outputs, args, kwargs))
        return outputs

    sources = [call.outputs[0] for call in calls]
    return Graph(calls, tuple(_run(model, sources, visit)))


def layer_outputs(model: keras.Model) -> dict[Any, Any]:
    """The tensors that the layers of a model leave.

    Args:
        model: As for `read`. A nested model is one layer here.

    Returns:
        Dictionary from the name of a layer to its list of Keras tensors, one
        for every result of every call.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> layers = [keras.Input((4,)), keras.layers.Dense(2, name="head")]
    >>> graph.layer_outputs(keras.Sequential(layers))["head"][0].shape
    (None, 2)
    """
    _check_graph(model)
    outputs = {}
    for node in _nodes_in_order(model):
        outputs.setdefault(node.operation.name, []).extend(node.outputs)
    return outputs


def replay(model: keras.Model, inputs: Any, call: Any) -> list[Any]:
    """Run a model's graph on other inputs.

    Args:
        model: As for `read`.
        inputs: One tensor for each of the model's inputs.
        call: Function `(layer, args, kwargs) -> outputs` that is called in
            place of every layer, those of nested models included. A
            `training` argument that a nested model was called with is among
            the `kwargs` of its layers, as when Keras runs it.

    Returns:
        The list of the outputs.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> names = []
    >>> def call(layer, args, kwargs):
    ...     names.append(type(layer).__name__)
    ...     return layer(*args, **kwargs)
    >>> outputs = graph.replay(model, model.inputs, call)
    >>> names, outputs[0].shape
    (['Dense'], (None, 2))
    """
    _check_graph(model)

    def visit(node, args, kwargs):
        return keras.tree.flatten(call(node.operation, args, kwargs))

    return _run(model, inputs, visit)


def _run(model, inputs, visit, training=None):
    """Outputs for `inputs`, where `visit` computes the outputs of a node."""
    values = {
        id(tensor): value
        for tensor, value in zip(model.inputs, inputs, strict=True)
    }

    def substitute(item):
        if isinstance(item, keras.KerasTensor):
            return values[id(item)]
        return item

    nodes = _nodes_in_order(model)
    # What nobody reads any more is let go: on images it fills the memory.
    readers = Counter(
        place for node in nodes for place in _places(node.input_tensors)
    )
    readers.update(_places(model.outputs))
    for node in nodes:
        if all(id(tensor) in values for tensor in node.outputs):
            continue
        args, kwargs = keras.tree.map_structure(
            substitute, (node.arguments.args, node.arguments.kwargs)
        )
        args, kwargs = _by_signature(node.operation, args, kwargs)
        if training is not None and _takes_training(node.operation):
            kwargs = {**kwargs, "training": training}
        if has_graph(node.operation):
            outputs = _run(
                node.operation,
                _inputs_in_order(node.operation, args[0]),
                visit,
                kwargs.get("training"),
            )
        else:
            outputs = visit(node, args, kwargs)
        for tensor, value in zip(node.outputs, outputs, strict=True):
            values[id(tensor)] = value
        for place in _places(node.input_tensors):
            readers[place] -= 1
            if not readers[place]:
                del values[place]
    return [values[id(tensor)] for tensor in model.outputs]


def _places(tensors):
    return {id(tensor) for tensor in tensors}


def _by_signature(layer, args, kwargs):
    """The first argument of a call by position, all others by their names.

    In the order of the layer's signature, so that a call reads the same
    however it was written.
    """
    if not isinstance(layer, keras.layers.Layer):
        return args, kwargs
    signature = inspect.signature(layer.call)
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:  # a class whose `__call__` takes more than its `call`
        return args, kwargs
    first: tuple[Any, ...] = ()
    named = {}
    for place, (name, value) in enumerate(bound.items()):
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            return args, kwargs
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif place == 0 and kind is not inspect.Parameter.KEYWORD_ONLY:
            first = (value,)
        else:
            named[name] = value
    return first, named


def _inputs_in_order(model, given):
    """What a nested model was called with, in the order of its inputs."""
    if isinstance(given, dict) and not isinstance(model.input, dict):
        return [given[tensor.name] for tensor in model.inputs]
    return keras.tree.flatten(given)


def _takes_training(layer):
    return "training" in inspect.signature(layer.call).parameters


def has_graph(layer: Any) -> bool:
    """Whether a layer is itself a model that computes a graph of layers.

    A subclass with a `call` of its own may have a graph and compute something
    else.

    Args:
        layer: A `keras.Layer`.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> graph.has_graph(model), graph.has_graph(model.layers[0])
    (True, False)
    """
    return _keeps_graph(layer) and not has_own_call(layer)


def has_own_call(layer: Any) -> bool:
    """Whether a model does something else than Keras's to compute its graph."""
    for name in ("call", "__call__", "_run_through_graph"):
        if name in vars(layer):
            return True
        owners = [c for c in type(layer).__mro__ if name in vars(c)]
        package = owners[0].__module__.partition(".")[0] if owners else "keras"
        # keras-hub's `__call__` refuses strings, and does nothing else.
        if package != "keras" and (name, package) != ("__call__", "keras_hub"):
            return True
    return False


def _keeps_graph(layer):
    return isinstance(layer, keras.Model) and bool(
        getattr(layer, "outputs", None)
    )


def _check_graph(model):
    if _keeps_graph(model) and has_own_call(model):
        raise ValueError(
            "This works on the graph of a model, so the model must compute "
            f"nothing else. Received: {type(model).__name__} '{model.name}', "
            "a class with a `call` of its own. Write what it does as layers: "
            "`keras.Model(inputs, outputs)`."
        )
    if not has_graph(model):
        raise ValueError(
            "This works on the graph of a functional model, or of a sequential "
            f"one that is built. Received: {type(model).__name__} "
            f"'{getattr(model, 'name', model)}', which has none. Build it, or "
            "pass the functional models inside it one by one."
        )


def _check_class(layer):
    """Raise for a layer that does not do what its class says."""
    if "call" in getattr(layer, "__dict__", {}):
        raise ValueError(
            "A layer does what its class says. Received: layer "
            f"'{layer.name}' of class {type(layer).__name__}, whose `call` was "
            "replaced. Write a subclass with that `call`."
        )


def _nodes_in_order(model):
    """Nodes from inputs to outputs, each after those it depends on."""
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
