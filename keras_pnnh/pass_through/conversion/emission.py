"""The layers of the chain, one for each step of the schedule."""

from typing import Any

import keras

from keras_pnnh.graph import Tensor
from keras_pnnh.graph.copy_checks import check_copy
from keras_pnnh.graph.layer_copies import (
    call_copy,
    copy_layer,
    load_copy,
    new_convolution,
)
from keras_pnnh.pass_through.conversion.operations import (
    Attention,
    Norm,
    Pointwise,
    Whole,
    channels_of,
    is_image,
)
from keras_pnnh.pass_through.layers import (
    CarryActivation,
    CarryAttention,
    CarryConv2D,
    CarryDense,
    CarryNormalization,
)


class Emitter:
    """Makes layers under unique names and gives them their numbers.

    Standard layers wherever nothing passes through.
    """

    def __init__(self, copies: Any, data_format: str, axis: int) -> None:
        self._copies = copies  # for unique names
        self._data_format = data_format
        self._axis = axis
        self._weights = []  # pairs of a layer and its arrays
        self._copied = []  # layers, their copies, and how they are called

    def emit(self, step: Any, x: Any) -> Any:
        """The step on a Keras tensor.

        Args:
            step: A `Step`.
            x: Keras tensor with the channels of `step.before` side by side.

        Returns:
            Keras tensor with the channels of `step.after`.
        """
        (first, *_) = step.operations
        alone = len(step.before) == 1 and len(step.after) == 1
        if isinstance(first, Whole):
            return self._emit_whole(first, x)
        if isinstance(first, (Attention, Norm, Pointwise)):
            return self._beside(step, first, alone)(x)
        if alone and _is_standard(first):
            return self._emit_linear(first.terms[0].linear, x)
        return self._blocks(step)(x)

    def _beside(self, step, operation, alone):
        """The layer of an operation beside which channels pass through."""
        if isinstance(operation, Attention):
            return self._attention(step, operation)
        if isinstance(operation, Norm):
            if alone:
                return self._copy(operation.layer)
            return self._norm(step, operation)
        if alone:
            return self._alone(operation)
        return self._activation(step, operation)

    def load_weights(self) -> None:
        """Give the layers their numbers.

        Raises:
            ValueError: If the copy of a layer is not what the layer is.
        """
        for layer, arrays in self._weights:
            layer.set_weights(arrays)
        for layer, copy, args, kwargs in self._copied:
            if not isinstance(layer, keras.layers.Layer):
                continue
            if layer.weights:
                load_copy(layer, copy)
            check_copy(layer, copy, args, kwargs)

    def _name(self, name):
        return self._copies.unique_name(name)

    def _copy(self, layer, args=None, kwargs=None):
        copy = copy_layer(layer, name=self._name(layer.name))
        self._copied.append((layer, copy, args, kwargs))
        return copy

    def _emit_whole(self, whole, x):
        args, kwargs = keras.tree.map_structure(
            lambda item: x if isinstance(item, Tensor) else item,
            (whole.args, whole.kwargs),
        )
        copy = self._copy(whole.layer, args, kwargs)
        return call_copy(whole.layer, copy, args, kwargs)

    def _alone(self, operation):
        if operation.layer is not None:
            return self._copy(operation.layer)
        name = self._name(operation.name)
        common = {"dtype": operation.dtype, "name": name}
        if not operation.arguments:
            return keras.layers.Activation(operation.activation, **common)
        width = channels_of(operation.target, self._axis)
        piece = {"inputs": [0, width], **_function(operation)}
        return CarryActivation([piece], self._format(operation), **common)

    def _format(self, operation):
        if is_image(operation.target):
            return self._data_format
        return "channels_last"

    def _activation(self, step, operation):
        return CarryActivation(
            self._pieces(step, _function(operation)),
            self._format(operation),
            **self._common(operation),
        )

    def _norm(self, step, norm):
        entries = {
            "epsilon": norm.epsilon,
            "rms": norm.rms,
            "use_scale": norm.scale is not None,
            "use_bias": norm.bias is not None,
        }
        if norm.statistics is not None:
            ranges = self._ranges(step.before)
            entries["statistics"] = list(ranges[norm.statistics])
        pieces = self._pieces(step, entries)
        layer = CarryNormalization(pieces, **self._common(norm))
        self._weights.append((layer, _arrays([norm.scale, norm.bias])))
        return layer

    def _attention(self, step, attention):
        entries = {
            "num_heads": attention.num_heads,
            "key_dim": attention.key_dim,
            "causal": attention.causal,
        }
        pieces = self._pieces(step, entries)
        return CarryAttention(pieces, **self._common(attention))

    def _common(self, operation):
        return {"dtype": operation.dtype, "name": self._name(operation.name)}

    def _pieces(self, step, entries):
        """Ranges of channels: what the operation makes, and what passes."""
        (operation,) = step.operations
        ranges = self._ranges(step.before)
        pieces = []
        for tensor in step.after:
            if tensor is operation.target:
                inputs = list(ranges[operation.source])
                pieces.append({"inputs": inputs, **entries})
            else:
                pieces.append({"inputs": list(ranges[tensor])})
        return pieces

    def _ranges(self, tensors):
        ranges, start = {}, 0
        for tensor in tensors:
            stop = start + channels_of(tensor, self._axis)
            ranges[tensor] = (start, stop)
            start = stop
        return ranges

    def _blocks(self, step):
        sources, targets = self._ranges(step.before), self._ranges(step.after)
        blocks, arrays = [], []
        made = {operation.target for operation in step.operations}
        for operation in step.operations:
            if operation.target not in targets:
                continue
            start, _ = targets[operation.target]
            for term in operation.terms:
                block = _block(term, sources[term.source], start)
                blocks.append(block)
                if term.linear is not None:
                    arrays += _numbers(term.linear)
        for tensor in step.after:
            if tensor not in made:
                blocks.append(
                    {
                        "kind": "identity",
                        "inputs": sources[tensor],
                        "outputs": targets[tensor],
                    }
                )
        common = self._common(step.operations[0])
        if is_image(step.after[0]):
            layer = CarryConv2D(blocks, "zeros", self._data_format, **common)
        else:
            layer = CarryDense(blocks, "zeros", **common)
        self._weights.append((layer, arrays))
        return layer

    def _emit_linear(self, linear, x):
        """Standard layers that compute a linear function."""
        common = {"data_format": self._data_format, "dtype": linear.dtype}
        if linear.padding != "same" and linear.padding_name is not None:
            x = keras.layers.ZeroPadding2D(
                linear.padding, name=self._name(linear.padding_name), **common
            )(x)
        if linear.layer is not None:
            return self._copy(linear.layer)(x)
        if linear.kind == "dense":
            layer = keras.layers.Dense(
                linear.filters,
                use_bias=linear.bias is not None,
                kernel_initializer="zeros",
                dtype=linear.dtype,
                name=self._name(linear.name),
            )
            self._weights.append((layer, _numbers(linear)))
            return layer(x)
        arguments = {
            "kernel_size": linear.kernel_size,
            "strides": linear.strides,
            "padding": "same" if linear.padding == "same" else "valid",
            "dilation_rate": linear.dilation_rate,
            "use_bias": linear.bias is not None,
            "name": self._name(linear.name),
            **common,
        }
        if linear.kind == "conv":
            layer = new_convolution(
                keras.layers.Conv2D,
                filters=linear.filters,
                groups=linear.groups,
                **arguments,
            )
        else:
            layer = new_convolution(
                keras.layers.DepthwiseConv2D,
                depth_multiplier=linear.kernel.shape[3],
                **arguments,
            )
        self._weights.append((layer, _numbers(linear)))
        return layer(x)


def _is_standard(operation):
    (term, *more) = operation.terms
    if more or term.offset or term.linear is None:
        return False
    return term.linear.layer is not None or term.linear.kind in (
        "conv",
        "dense",
        "depthwise",
    )


def _function(operation):
    return {
        "activation": operation.activation,
        "arguments": operation.arguments,
    }


def _block(term, inputs, start):
    """The dictionary of a block; `start` is the sum's first channel."""
    linear = term.linear
    start += term.offset
    if linear is None:
        width = inputs[1] - inputs[0]
        return {
            "kind": "identity",
            "inputs": inputs,
            "outputs": [start, start + width],
        }
    block = {
        "kind": linear.kind,
        "inputs": inputs,
        "outputs": [start, start + linear.filters],
        "use_bias": linear.bias is not None,
    }
    if not is_image(term.source):
        return block
    return {
        **block,
        "kernel_size": linear.kernel_size,
        "strides": linear.strides,
        "padding": linear.padding,
        "dilation_rate": linear.dilation_rate,
        "groups": linear.groups,
    }


def _numbers(linear):
    return _arrays([linear.kernel, linear.bias])


def _arrays(arrays):
    return [array for array in arrays if array is not None]
