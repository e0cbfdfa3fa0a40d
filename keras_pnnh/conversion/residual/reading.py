"""From Keras's layers to the operations that the conversion knows."""

import keras
import numpy as np

from keras_pnnh.conversion.layer_copies import to_numpy
from keras_pnnh.conversion.residual.activations import (
    activation_name,
    activation_of,
)
from keras_pnnh.conversion.residual.operations import (
    Linear,
    Mix,
    Pointwise,
    Term,
    Whole,
    unsupported,
)
from keras_pnnh.graph import Tensor
from keras_pnnh.layers import ZeroPaddingShortcut
from keras_pnnh.layers.carry_activation import ELEMENTWISE

# Layers that pass their input in inference.
_IDLE = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout2D,
)
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_POOLINGS = (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)
_NO_PADDING = ((0, 0), (0, 0))


def read_operations(network, data_format):
    """The operations of a folded network.

    Args:
        network: `graph.Graph` of a network with one input and one result.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        List of operations in an order in which they can run, and the tensor
        that is the result.

    Raises:
        ValueError: For a layer that reads several tensors and does not add
            them, or that uses the statistics of the batch.
    """
    reader = _Reader(network, data_format)
    for call in network.calls[1:]:
        reader.read(call)
    return reader.operations, reader.tensor(network.outputs[0])


def data_format_of(network):
    """The one data format of all layers.

    Raises:
        ValueError: If there are two.
    """
    formats = {}
    for call in network.calls:
        given = getattr(call.layer, "data_format", None)
        if given is not None and len(call.outputs[0].shape) == 4:
            formats.setdefault(given, call.layer)
    if len(formats) > 1:
        layer = formats[sorted(formats)[0]]
        raise unsupported(
            layer.name,
            type(layer).__name__,
            f"has the data format '{layer.data_format}' where others have "
            "another",
            "Build the model in one format.",
        )
    return next(iter(formats), keras.config.image_data_format())


class _Reader:
    def __init__(self, network, data_format):
        self.operations = []
        self._readers = network.readers()
        self._same = {}  # a tensor that an idle layer made: what it passed
        self._padded = {}  # a padded tensor: what was padded, how, by whom
        self._axis = 1 if data_format == "channels_first" else 3
        self._dtype = keras.config.dtype_policy()

    def tensor(self, tensor):
        """The tensor that carries the same numbers, and has been made."""
        return self._same.get(tensor, tensor)

    def read(self, call):
        layer = call.layer
        self._dtype = getattr(layer, "dtype_policy", self._dtype)
        self._check_training(call)
        if len(call.inputs) > 1:
            self._join(call)
        elif isinstance(layer, _IDLE) or _is_linear(layer):
            self._same[call.outputs[0]] = self.tensor(call.inputs[0])
        elif len(call.outputs) > 1:
            raise unsupported(
                layer.name,
                type(layer).__name__,
                f"makes {len(call.outputs)} tensors",
                "Convert the part before it.",
            )
        elif (known := activation_of(layer)) is not None:
            self._activate(call, *known)
        elif len(call.inputs[0].shape) == 4:
            self._image_layer(call)
        else:
            self._whole(call)

    def _check_training(self, call):
        given = call.kwargs.get("training")
        if given:
            raise unsupported(
                call.layer.name,
                type(call.layer).__name__,
                f"was called with training={given!r}",
                "Build the model without that argument.",
            )

    def _image_layer(self, call):
        layer = call.layer
        if type(layer) in _CONVOLUTIONS:
            self._convolution(call)
        elif type(layer) is keras.layers.Dense and self._axis == 3:
            self._dense(call)
        elif type(layer) is keras.layers.BatchNormalization:
            self._norm(call)
        elif type(layer) is keras.layers.ZeroPadding2D:
            self._pad(call)
        elif type(layer) is keras.layers.Cropping2D:
            cropping = tuple(tuple(-n for n in pair) for pair in layer.cropping)
            self._linear(call, "identity", padding=cropping, layer=layer)
        elif type(layer) is keras.layers.MaxPooling2D:
            kind = "identity" if layer.pool_size == (1, 1) else "max"
            self._pool(call, kind)
        elif type(layer) is keras.layers.AveragePooling2D:
            self._pool(call, "average")
        elif type(layer) is ZeroPaddingShortcut:
            self._zero_padding_shortcut(call)
        else:
            self._whole(call)

    def _whole(self, call):
        """Anything else; whether it may stand there is decided later."""
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

    def _linear(self, call, kind, **entries):
        """A linear function of the only input of a call."""
        source, target = self.tensor(call.inputs[0]), call.outputs[0]
        entries = {"filters": target.shape[self._axis], **entries}
        self._append(call.layer.name, source, target, kind, entries)

    def _append(self, name, source, target, kind, entries):
        linear = Linear(kind, name, self._dtype, **entries)
        linear.spatial = self._is_spatial(linear, source, target)
        self.operations.append(
            Mix(name, self._dtype, [Term(source, linear)], target)
        )

    def _is_spatial(self, linear, source, target):
        sizes = [self._pixels(tensor) for tensor in (source, target)]
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

    def _pixels(self, tensor):
        first = 2 if self._axis == 1 else 1
        return tensor.shape[first : first + 2]

    def _with_pixels(self, tensor, pixels, channels):
        """A new tensor like another one."""
        shape = [tensor.shape[0], *pixels]
        shape.insert(self._axis, channels)
        return Tensor(tuple(shape))

    def _convolution(self, call):
        layer = call.layer
        source, padding, padding_name = self._padding(call)
        middle = target = call.outputs[0]
        name = activation_name(layer.activation)
        if name != "linear":
            middle = Tensor(target.shape)
        geometry = {
            "kernel_size": tuple(layer.kernel_size),
            "strides": tuple(layer.strides),
            "padding": padding,
            "padding_name": padding_name,
            "dilation_rate": tuple(layer.dilation_rate),
        }
        bias = to_numpy(layer.bias) if layer.use_bias else None
        filters = target.shape[self._axis]
        if type(layer) is keras.layers.SeparableConv2D:
            kernel = to_numpy(layer.depthwise_kernel)
            inner = kernel.shape[2] * kernel.shape[3]
            between = self._with_pixels(target, self._pixels(target), inner)
            entries = {"filters": inner, "kernel": kernel, **geometry}
            depthwise = f"{layer.name}_depthwise"
            self._append(depthwise, source, between, "depthwise", entries)
            source, geometry = between, {}
            kernel = to_numpy(layer.pointwise_kernel)
        else:
            kernel = to_numpy(layer.kernel)
        kind = "conv"
        if type(layer) is keras.layers.DepthwiseConv2D:
            kind = "depthwise"
        elif type(layer) is keras.layers.Conv2D:
            geometry["groups"] = layer.groups
        entries = {
            "filters": filters,
            "kernel": kernel,
            "bias": bias,
            **geometry,
        }
        self._append(layer.name, source, middle, kind, entries)
        self._activate_fused(layer, name, middle, target)

    def _activate_fused(self, layer, activation, source, target):
        if source is target:
            return
        name = f"{layer.name}_{activation}"
        if activation in ELEMENTWISE:
            self.operations.append(
                Pointwise(name, self._dtype, source, target, activation, {})
            )
            return
        whole = keras.layers.Activation(
            activation, dtype=self._dtype, name=name
        )
        self.operations.append(
            Whole(name, source, target, whole, (source,), {})
        )

    def _padding(self, call):
        """What a layer reads once the padding before it is its own."""
        layer, tensor = call.layer, call.inputs[0]
        padding = layer.padding if layer.padding == "same" else _NO_PADDING
        if tensor not in self._padded:
            return self.tensor(tensor), padding, None
        source, padding, name = self._padded[tensor]
        return source, padding, name

    def _pad(self, call):
        """Padding of zeros, left to its readers if they can do it."""
        tensor = call.outputs[0]
        padding = tuple(tuple(pair) for pair in call.layer.padding)
        readers = self._readers[tensor]
        if readers and all(
            reader is not None
            and type(reader.layer) in _CONVOLUTIONS + _POOLINGS
            and reader.layer.padding == "valid"
            for reader in readers
        ):
            source = self.tensor(call.inputs[0])
            self._padded[tensor] = (source, padding, call.layer.name)
            return
        self._linear(call, "identity", padding=padding, layer=call.layer)

    def _dense(self, call):
        layer, target = call.layer, call.outputs[0]
        name = activation_name(layer.activation)
        middle = target if name == "linear" else Tensor(target.shape)
        entries = {
            "filters": layer.units,
            "kernel": to_numpy(layer.kernel)[None, None],
            "bias": to_numpy(layer.bias) if layer.use_bias else None,
        }
        source = self.tensor(call.inputs[0])
        self._append(layer.name, source, middle, "conv", entries)
        self._activate_fused(layer, name, middle, target)

    def _norm(self, call):
        layer = call.layer
        if layer.axis % 4 != self._axis or any(call.args[1:]):
            self._whole(call)
            return
        mean, variance = (
            to_numpy(weight).astype("float64")
            for weight in (layer.moving_mean, layer.moving_variance)
        )
        # float64: rounding in 1 / sqrt(variance) compounds over the depth.
        scale = 1 / np.sqrt(variance + layer.epsilon)
        if layer.scale:
            scale = scale * to_numpy(layer.gamma).astype("float64")
        bias = -mean * scale
        if layer.center:
            bias = bias + to_numpy(layer.beta).astype("float64")
        self._linear(call, "scale", kernel=scale, bias=bias, layer=layer)

    def _pool(self, call, kind):
        layer, target = call.layer, call.outputs[0]
        source, padding, padding_name = self._padding(call)
        entries = {
            "filters": target.shape[self._axis],
            "kernel_size": tuple(layer.pool_size),
            "strides": tuple(layer.strides),
            "padding": padding,
            "padding_name": padding_name,
            "layer": layer,
        }
        self._append(layer.name, source, target, kind, entries)

    def _zero_padding_shortcut(self, call):
        """Subsampling, then channels of zeros: those need no carrying."""
        layer, source = call.layer, self.tensor(call.inputs[0])
        target = call.outputs[0]
        if layer.strides > 1:
            channels = source.shape[self._axis]
            pixels = self._pixels(target)
            between = self._with_pixels(target, pixels, channels)
            entries = {"filters": channels, "strides": (layer.strides,) * 2}
            name = f"{layer.name}_subsample"
            self._append(name, source, between, "identity", entries)
            source = between
        entries = {"filters": layer.filters}
        self._append(layer.name, source, target, "identity", entries)

    def _activate(self, call, activation, arguments):
        self.operations.append(
            Pointwise(
                call.layer.name,
                self._dtype,
                self.tensor(call.inputs[0]),
                call.outputs[0],
                activation,
                arguments,
                call.layer
                if isinstance(call.layer, keras.layers.Layer)
                else None,
            )
        )

    def _join(self, call):
        """An addition, or channels put side by side."""
        kind, target = type(call.layer).__name__, call.outputs[0]
        shapes = {tensor.shape for tensor in call.inputs}
        if kind == "Add" and len(shapes) == 1 and len(target.shape) == 4:
            offsets = [0] * len(call.inputs)
        elif self._joins_channels(call):
            widths = [tensor.shape[self._axis] for tensor in call.inputs]
            offsets = [sum(widths[:i]) for i in range(len(widths))]
        else:
            raise unsupported(call.layer.name, kind, *_why(kind, call))
        terms = [
            Term(self.tensor(tensor), None, offset)
            for tensor, offset in zip(call.inputs, offsets, strict=True)
        ]
        self.operations.append(Mix(call.layer.name, self._dtype, terms, target))

    def _joins_channels(self, call):
        return (
            type(call.layer) is keras.layers.Concatenate
            and len(call.outputs[0].shape) == 4
            and call.layer.axis % 4 == self._axis
        )


def _is_linear(layer):
    return (
        type(layer) is keras.layers.Activation
        and layer.activation is keras.activations.linear
    )


def _why(kind, call):
    repair = "Convert the parts of the model around it."
    if kind == "Multiply":
        return (
            "multiplies two branches (a gate, as in squeeze-and-excitation): "
            "no convolution computes that from channels side by side",
            repair,
        )
    shapes = [tensor.shape for tensor in call.inputs]
    if kind == "Add":
        return f"adds tensors of the shapes {shapes}, not equal images", repair
    return f"reads {len(call.inputs)} tensors of the shapes {shapes}", repair
