"""Which ordinary layers take the place of layers with pass-through channels."""

from typing import Any

from keras_pnnh.pass_through.layers import (
    CarryNormalization,
    PassThroughLayer,
)
from keras_pnnh.pass_through.writing_out.image_planner import (
    ImagePlanner,
    ReadBeyondBorderError,
)
from keras_pnnh.pass_through.writing_out.wires import NotWrittenOutError
from keras_pnnh.pass_through.writing_out.written_tokens import (
    plan_feature_layers,
)


def plan_written_out(network: Any, ranges: Any = None) -> dict[Any, Any]:
    """The ordinary layers for those of a chain with pass-through channels.

    Args:
        network: `graph.Graph`.
        ranges: `Ranges` of what passes the activations of images, or None: a
            stream of both signs is a pair then.

    Returns:
        Dictionary from a `Carry*` layer to a list of
        `StandardLayer`s; empty without any.

    Raises:
        NotWrittenOutError: If there are none.

    Example:

    >>> import keras
    >>> from keras_pnnh import graph, pass_through
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    >>> y = keras.layers.ReLU(name="relu")(y)
    >>> y = keras.layers.Conv2D(4, 3, padding="same", name="conv2")(y)
    >>> block = keras.Model(x, keras.layers.Add(name="add")([x, y]))
    >>> chain, certificate = pass_through.from_residual(block)
    >>> plan = pass_through.writing_out.plan_written_out(graph.read(chain))
    >>> for layer, ordinary in plan.items():
    ...     print(layer.name, [new.layer_class.__name__ for new in ordinary])
    conv ['Conv2D']
    relu ['ReLU']
    add ['Conv2D']
    """
    found = [
        call.layer
        for call in network.calls
        if isinstance(call.layer, PassThroughLayer)
    ]
    if not found:
        return {}
    readers = network.readers()
    for call in network.calls:
        if len(call.inputs) > 1 or len(readers[call.outputs[0]]) != 1:
            raise NotWrittenOutError(
                "Pass-through channels are written out along a "
                f"chain. Received: layer '{call.layer.name}', where paths "
                "meet or part."
            )
    plan = plan_feature_layers(network.calls)
    images = [layer for layer in found if layer not in plan]
    for layer in images:
        if isinstance(layer, CarryNormalization):
            raise NotWrittenOutError(
                "A norm over the channels of images cannot be written out "
                "beside pass-through channels. Received: layer "
                f"'{layer.name}'. Keep the chain as it is, without "
                "`write_out`."
            )
    formats = {layer.data_format for layer in images}
    axis = 1 if "channels_first" in formats else 3
    followers = [call.layer for call in network.calls[1:]] + [None]
    pairs = [
        (call, following)
        for call, following in zip(network.calls, followers, strict=True)
        if call.layer not in plan
    ]
    paired = set()  # activations that no range passes
    while True:
        planner = ImagePlanner(axis, ranges, paired)
        try:
            found = {
                call.layer: planner.plan(call, following)
                for call, following in pairs
            }
        except ReadBeyondBorderError as error:
            paired.add(error.args[0])
            continue
        found = {layer: new for layer, new in found.items() if new is not None}
        return {**plan, **found}
