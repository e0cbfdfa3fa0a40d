"""What only a chain can do: be a list of layers, and end anywhere."""

import inspect
from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.graph.copy_checks import in_words
from keras_pnnh.graph.layer_copies import LayerCopies


def as_sequential(model: keras.Model, name: str | None = None) -> Any:
    """A chain as `keras.Sequential`.

    Args:
        model: A functional or sequential `keras.Model` that is a chain, such
            as the result of `fold` or `from_residual`. Nested models are
            flattened.
        name: Name of the result. Defaults to the name of `model`.

    Returns:
        An uncompiled `keras.Sequential` of copies of the layers, under the
        same names and with weights of its own; the original is left
        untouched.

    Raises:
        ValueError: If the model is no chain of layers.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> chain = keras_pnnh.fold(model)
    >>> sequential = keras_pnnh.as_sequential(chain)
    >>> type(sequential).__name__, sequential.output_shape
    ('Sequential', (None, 10))
    """
    return _sequential(_chain(model), name or model.name)


def truncate(model: keras.Model, stage: Any, name: str | None = None) -> Any:
    """The first layers of a chain: any prefix of a chain is a network.

    Cut inside of a block that was converted with `from_residual`, the result
    has the pass-through channels after the learner's.

    Args:
        model: As for `as_sequential`.
        stage: Name of the last layer to keep, or the beginning of the names
            of a stage or block up to an underscore: `"stage2"` keeps
            everything up to the last layer called `"stage2_..."`.
        name: Name of the result. Defaults to the name of `model`.

    Returns:
        An uncompiled `keras.Sequential` of copies, as from `as_sequential`.

    Raises:
        ValueError: If the model is no chain of layers, or no layer fits.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> chain = keras_pnnh.fold(model)
    >>> keras_pnnh.truncate(chain, "stage1").output_shape
    (None, 8, 8, 4)
    """
    calls = _chain(model)
    names = [call.layer.name for call in calls]
    if stage in names:
        last = names.index(stage)
    else:
        fitting = [
            index
            for index, name_of_layer in enumerate(names)
            if name_of_layer.startswith(f"{stage}_")
        ]
        if not fitting:
            raise ValueError(
                "`stage` must be the name of a layer, or what names of layers "
                f"begin with. Received: stage={stage!r}, model '{model.name}' "
                f"with layers {names}."
            )
        last = fitting[-1]
    if last == 0:
        raise ValueError(
            "A prefix needs at least one layer after the input. Received: "
            f"stage={stage!r}, the input of model '{model.name}'."
        )
    return _sequential(calls[: last + 1], name or model.name)


def _chain(model):
    """The calls of a chain, checked."""
    network = graph.read(model)
    readers = network.readers()
    for call in network.calls:
        taken = sum(len(readers[tensor]) for tensor in call.outputs)
        single = len(call.inputs) <= 1 and taken == 1
        if not single:
            raise ValueError(
                "A chain has one path. Received: model "
                f"'{model.name}', where paths meet or part at layer "
                f"'{call.layer.name}'. Convert it first: `keras_pnnh.fold` or "
                "`keras_pnnh.from_residual`."
            )
        bare = call.args in (call.inputs, ()) and all(
            value is None
            or isinstance(value, graph.Tensor)
            or _is_default(call.layer, name, value)
            for name, value in call.kwargs.items()
        )
        if not isinstance(call.layer, keras.layers.Layer) or not bare:
            raise ValueError(
                "`keras.Sequential` holds layers that are called on one "
                f"tensor. Received: model '{model.name}', which calls "
                f"'{call.layer.name}' ({type(call.layer).__name__}) in another "
                "way. Use a layer in its place, such as "
                "`keras.layers.Rescaling`."
            )
    return network.calls


def _is_default(layer, name, value):
    """Whether a call says no more than the layer's signature."""
    parameters = inspect.signature(layer.call).parameters
    return name in parameters and parameters[name].default is value


def _sequential(calls, name):
    copies = LayerCopies()
    layers = [copies.copy(call.layer) for call in calls]
    for call in calls:
        copies.note_call(call.layer, call.args, call.kwargs)
    # A layer that is called twice would be one layer in two places.
    for place, layer in enumerate(layers):
        if layer in layers[:place]:
            raise ValueError(
                "Every layer stands once in a `keras.Sequential`. Received: "
                f"layer '{layer.name}', which is called more than once. Fold "
                "the model first: `keras_pnnh.fold`."
            )
    try:
        sequential = keras.Sequential(layers, name=name)
    # Whatever the code of a class raises.
    except Exception as error:
        raise ValueError(
            "The copies of a chain's layers are called one after the other. "
            f"Received: model '{name}', whose copies cannot: "
            f"{in_words(error)}. Give every class a `get_config` that returns "
            "every argument of its constructor."
        ) from error
    copies.load_weights()
    return sequential
