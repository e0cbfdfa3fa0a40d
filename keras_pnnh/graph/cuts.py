"""Where a network can be cut in two, and what travels from part to part."""

import math
from typing import Any, NamedTuple

import keras

from keras_pnnh import graph
from keras_pnnh.graph.layer_copies import LayerCopies, pack_like


class Cut(NamedTuple):
    """The place after one layer.

    Attributes:
        layer: Name of the layer.
        shapes: Shape of each tensor that is needed later on, without the
            batch, the layer's own first; None for a size that varies.
        others: Names of the layers that the further tensors come from.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph
    >>> x = keras.Input((4,), name="x")
    >>> model = keras.Model(x, keras.layers.Dense(2, name="head")(x))
    >>> graph.list_cuts(model)
    [Cut(layer='x', shapes=((4,),), others=())]
    """

    layer: str
    shapes: tuple[tuple[int | None, ...], ...]
    others: tuple[str, ...]

    @property
    def floats(self) -> int | None:
        """Numbers that travel for one image; None if a size varies."""
        total = 0
        for shape in self.shapes:
            known = [size for size in shape if size is not None]
            if len(known) < len(shape):
                return None
            total += math.prod(known)
        return total


def list_cuts(model: keras.Model) -> list[Cut]:
    """Every place between two layers, in the order in which they run.

    Args:
        model: A functional or sequential `keras.Model`; nested models are
            flattened. Its inputs count as layers.

    Returns:
        A `Cut` for each call of a layer but the last. One whose `others` are
        empty is a place at which `split` cuts; inside a residual block a
        second tensor waits for the addition.

    Raises:
        ValueError: If the model has no graph.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1,), (4,), input_shape=(8, 8, 3), internal_path="residual"
    ... )
    >>> cuts = keras_pnnh.graph.list_cuts(model)
    >>> inside = [cut for cut in cuts if cut.others]
    >>> inside[0].layer, inside[0].others
    ('stage1_block1_conv1', ('stem_relu',))
    """
    network = graph.read(model)
    left = {tensor: 0 for call in network.calls for tensor in call.outputs}
    for call in network.calls:
        for tensor in call.inputs:
            left[tensor] += 1
    for tensor in network.outputs:
        left[tensor] += 1
    alive, cuts = {}, []
    for call in network.calls:
        for tensor in call.inputs:
            left[tensor] -= 1
            if not left[tensor]:
                alive.pop(tensor, None)
        own = [tensor for tensor in call.outputs if left[tensor]]
        further = dict(alive)
        alive.update({tensor: call.layer.name for tensor in own})
        shapes = tuple(tensor.shape[1:] for tensor in (*own, *further))
        cuts.append(Cut(call.layer.name, shapes, tuple(further.values())))
    return cuts[:-1]


def split(model: keras.Model, at: str) -> tuple[Any, Any]:
    """Cut a network in two, with one tensor between the parts.

    For split computing: the first part runs on a device, the second on a
    server, and the tensor travels (`deployment.pack` makes it small). A chain
    can be cut after any layer. A residual network cannot be cut inside a
    block, where its skip would have to travel, too.

    Args:
        model: A functional or sequential `keras.Model` with one input; nested
            models are flattened.
        at: Name of the last layer of the first part, or the beginning of the
            names of a stage or block up to an underscore: `"stage2"` cuts
            after the last layer called `"stage2_..."`.

    Returns:
        Two uncompiled functional models, copies with weights of their own.
        The second, called on what the first returns, computes what `model`
        does.

    Raises:
        ValueError: If no layer fits, a part would be empty, or more than one
            tensor would have to travel.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> device, server = keras_pnnh.split(keras_pnnh.fold(model), "stage1")
    >>> device.output_shape, server.input_shape
    ((None, 8, 8, 4), (None, 8, 8, 4))
    """
    if len(model.inputs) != 1:
        raise ValueError(
            "A network that is cut has one input. Received: model "
            f"'{model.name}' with {len(model.inputs)}."
        )
    network = graph.read(model)
    cuts = list_cuts(model)
    place = _place(cuts, at, model)
    if cuts[place].others:
        free = [cut.layer for cut in cuts[1:] if not cut.others]
        raise ValueError(
            "Between two parts one tensor travels. Received: "
            f"at={at!r} in model '{model.name}', where what "
            f"{', '.join(map(repr, cuts[place].others))} left is needed later "
            "on as well, as inside a residual block. "
            + (f"Cut after one of {free}." if free else "Take a chain.")
        )
    last = network.calls[place]
    if len(last.outputs) != 1:
        raise ValueError(
            "Between two parts one tensor travels. Received: "
            f"at={at!r}, a layer that returns {len(last.outputs)}."
        )
    parts = _Parts(network.calls[1:place])
    source = parts.first.copy(network.calls[0].layer).output
    outputs = graph.replay(model, [source], parts.call)
    _, outputs = pack_like(model, [source], outputs)
    first = keras.Model(source, parts.sent, name=f"{model.name}_first")
    second = keras.Model(parts.received, outputs, name=f"{model.name}_second")
    parts.first.load_weights()
    parts.second.load_weights()
    return first, second


class _Parts:
    """Calls the copies of one part, then those of the other."""

    def __init__(self, before):
        self.first, self.second = LayerCopies(), LayerCopies()
        self.sent = self.received = None
        self._left = [call.layer for call in before]

    def call(self, layer, args, kwargs):
        if self.received is not None:
            return self.second.call(layer, args, kwargs)
        result = self.first.call(layer, args, kwargs)
        if layer in self._left:
            self._left.remove(layer)
            return result
        # The last layer of the first part.
        self.sent = result
        self.received = keras.Input(
            batch_shape=result.shape, dtype=result.dtype, name="received"
        )
        return self.received


def _place(cuts, at, model):
    """Number of the last call of the first part."""
    names = [cut.layer for cut in cuts]
    fitting = [i for i, name in enumerate(names) if name == at] or [
        i for i, name in enumerate(names) if name.startswith(f"{at}_")
    ]
    if not fitting or fitting[-1] < len(model.inputs):
        raise ValueError(
            "`at` must be the name of a layer between the input and the last, "
            f"or what names of layers begin with. Received: at={at!r}, model "
            f"'{model.name}' with layers {names[len(model.inputs) :]}."
        )
    return fitting[-1]
