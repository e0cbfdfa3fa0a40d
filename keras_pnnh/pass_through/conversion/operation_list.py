"""The list that reading a network fills."""

from typing import Any

import keras

from keras_pnnh.graph import Tensor
from keras_pnnh.pass_through.conversion.activations import fused_activation
from keras_pnnh.pass_through.conversion.operations import (
    Linear,
    Mix,
    Pointwise,
    Term,
    Whole,
    channels_of,
    pixels_of,
)
from keras_pnnh.pass_through.layers.carry_activation import ELEMENTWISE


class OperationList:
    """Operations in an order in which they can run.

    Args:
        network: `graph.Graph`.
        data_format: `"channels_last"` or `"channels_first"`, of images.
    """

    def __init__(self, network: Any, data_format: str) -> None:
        self.operations: list[Any] = []
        self.axis = 1 if data_format == "channels_first" else 3
        self.dtype: Any = keras.config.dtype_policy()
        self.readers: Any = network.readers()
        self._same = {}  # a tensor that an idle layer made: what it passed

    def tensor(self, tensor: Any) -> Any:
        """The tensor that has the same numbers, and has been made."""
        return self._same.get(tensor, tensor)

    def pass_on(self, call: Any) -> None:
        """The result of an idle layer is its input."""
        self.same_as(call.outputs[0], call.inputs[0])

    def same_as(self, tensor: Any, other: Any) -> None:
        """A tensor has the numbers of another one."""
        self._same[tensor] = self.tensor(other)

    def whole(self, call: Any) -> None:
        """A layer as it is; whether it may stand there is decided later."""
        self.operations.append(
            Whole(
                call.layer.name,
                self.tensor(call.inputs[0]),
                call.outputs[0],
                call.layer,
                call.args,
                call.kwargs,
            )
        )

    def linear(self, call: Any, kind: str, **entries: Any) -> None:
        """A linear function of the only input of a call."""
        source, target = self.tensor(call.inputs[0]), call.outputs[0]
        entries = {"filters": channels_of(target, self.axis), **entries}
        self.append_linear(call.layer.name, source, target, kind, entries)

    def append_linear(
        self, name: str, source: Any, target: Any, kind: str, entries: Any
    ) -> None:
        linear = Linear(kind, name, self.dtype, **entries)
        linear.spatial = self._is_spatial(linear, source, target)
        self.operations.append(
            Mix(name, self.dtype, [Term(source, linear)], target)
        )

    def _is_spatial(self, linear, source, target):
        sizes = [pixels_of(tensor, self.axis) for tensor in (source, target)]
        if None not in sizes[0]:
            return sizes[0] != sizes[1]
        if linear.strides != (1, 1):
            return True
        return linear.padding != "same" and any(
            sum(padding) != dilation * (size - 1)
            for padding, size, dilation in zip(
                linear.padding,
                linear.kernel_size,
                linear.dilation_rate,
                strict=True,
            )
        )

    def activate(self, call: Any, activation: Any, arguments: Any) -> None:
        """A layer that is a non-linearity."""
        layer = call.layer
        self.operations.append(
            Pointwise(
                layer.name,
                self.dtype,
                self.tensor(call.inputs[0]),
                call.outputs[0],
                activation,
                arguments,
                layer if isinstance(layer, keras.layers.Layer) else None,
            )
        )

    def before_activation(self, layer: Any, target: Any) -> Any:
        """The tensor that a layer leaves to its own non-linearity."""
        linear = fused_activation(layer) == ("linear", {})
        return target if linear else Tensor(target.shape)

    def activate_fused(self, layer: Any, source: Any, target: Any) -> None:
        """The non-linearity of a layer that has one inside."""
        fused = fused_activation(layer)
        if source is target or fused is None:
            return
        activation, arguments = fused
        name = f"{layer.name}_{activation}"
        if activation in ELEMENTWISE:
            self.operations.append(
                Pointwise(
                    name, self.dtype, source, target, activation, arguments
                )
            )
            return
        whole = keras.layers.Activation(activation, dtype=self.dtype, name=name)
        self.operations.append(
            Whole(name, source, target, whole, (source,), {})
        )
