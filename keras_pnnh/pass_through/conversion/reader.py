"""From Keras's layers to the operations that the conversion knows."""

import inspect
from typing import Any

import keras
import numpy as np

from keras_pnnh.graph import Tensor
from keras_pnnh.pass_through.conversion.activations import activation_of
from keras_pnnh.pass_through.conversion.channel_factors import affine_of
from keras_pnnh.pass_through.conversion.feature_reader import FeatureLayers
from keras_pnnh.pass_through.conversion.idle_layers import (
    is_idle,
    look_inside,
)
from keras_pnnh.pass_through.conversion.image_reader import ImageLayers
from keras_pnnh.pass_through.conversion.operations import (
    Mix,
    Term,
    Whole,
    channel_axis,
    channels_of,
    is_image,
    unsupported,
)

_LAYER_NORMS = (
    keras.layers.LayerNormalization,
    keras.layers.RMSNormalization,
)
# What the inputs of a sum are multiplied by, for the layer and so many.
_FACTORS = {
    "Add": lambda layer, count: [1] * count,
    "Average": lambda layer, count: [1 / count] * count,
    # Of `keras.applications.InceptionResNetV2`.
    "CustomScaleLayer": lambda layer, count: [1, layer.scale],
    "Subtract": lambda layer, count: [1, -1],
}


def read_operations(network: Any, data_format: str) -> tuple[list[Any], Any]:
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
    lonely = _lonely(network)
    for call in network.calls[1:]:
        reader.read(call, alone=call.outputs[0] in lonely)
    return reader.operations, reader.tensor(network.outputs[0])


def data_format_of(network: Any) -> Any:
    """The one data format of all layers on images.

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


def _lonely(network):
    """Results of the calls that run when nothing else is needed later."""
    last = {}
    for index, call in enumerate(network.calls):
        last.update(dict.fromkeys(call.inputs, index))
    last.update(dict.fromkeys(network.outputs, len(network.calls)))
    alive, lonely = set(), set()
    for index, call in enumerate(network.calls):
        alive = {tensor for tensor in alive if last.get(tensor, -1) >= index}
        if alive == set(call.inputs) and all(
            last[tensor] == index for tensor in call.inputs
        ):
            lonely.update(call.outputs)
        alive.update(call.outputs)
    return lonely


class _Reader(ImageLayers, FeatureLayers):
    def read(self, call, alone):
        """Append what a call does.

        Args:
            call: `graph.Call`.
            alone: Whether nothing passes through beside it. A layer on tokens
                or features then stays what it is.
        """
        layer = call.layer
        self.dtype = getattr(layer, "dtype_policy", self.dtype)
        _check_training(call)
        if isinstance(layer, keras.layers.MultiHeadAttention):
            self.read_multi_head_attention(call)
        elif len(call.inputs) > 1:
            self._join(call)
        elif is_idle(layer):
            self.pass_on(call)
        elif len(call.outputs) > 1:
            raise unsupported(
                layer.name,
                type(layer).__name__,
                f"makes {len(call.outputs)} tensors",
                "Convert the part before it.",
            )
        elif (known := activation_of(layer)) is not None:
            self.activate(call, *known)
        elif not alone and (pair := affine_of(call, self.axis)) is not None:
            scale, offset = pair
            bias = offset if offset.any() else None
            self.linear(call, "scale", kernel=scale, bias=bias)
        elif type(layer) in _LAYER_NORMS:
            self.read_layer_norm(call)
        elif not alone and self._read_inside(call):
            pass
        elif is_image(call.inputs[0]):
            self.read_image_layer(call)
        elif alone:
            self.whole(call)
        else:
            self.read_feature_layer(call)

    def _read_inside(self, call):
        """Read what a layer of another package does; whether it is known."""
        inside = look_inside(call)
        if inside is None or len(inside.outputs) != 1:
            return False
        count = len(self.operations)
        self.readers.update(inside.readers())
        source = inside.calls[0].outputs[0]
        self.same_as(source, call.inputs[0])
        try:
            for part in inside.calls[1:]:
                self.read(part, alone=False)
            known = not any(
                isinstance(made, Whole) for made in self.operations[count:]
            )
        except ValueError:
            known = False
        if not known:  # what is refused is the layer, not what is inside
            del self.operations[count:]
            return False
        self.same_as(call.outputs[0], inside.outputs[0])
        return True

    def _join(self, call):
        """A sum, or channels put side by side."""
        kind = type(call.layer).__name__
        equal = len({tensor.shape for tensor in call.inputs}) == 1
        known = type(call.layer).__module__.startswith("keras.")
        if known and kind in _FACTORS and equal:
            factors = _FACTORS[kind](call.layer, len(call.inputs))
            self._append_sum(call, factors)
            return
        if not self._joins_channels(call):
            raise unsupported(call.layer.name, kind, *_why(call, known))
        widths = [channels_of(tensor, self.axis) for tensor in call.inputs]
        terms = [
            Term(self.tensor(tensor), None, sum(widths[:place]))
            for place, tensor in enumerate(call.inputs)
        ]
        self._append_mix(call, terms)

    def _append_mix(self, call, terms):
        name, target = call.layer.name, call.outputs[0]
        self.operations.append(Mix(name, self.dtype, terms, target))

    def _append_sum(self, call, factors):
        """The sum of the inputs, each times a number."""
        target, terms = call.outputs[0], []
        filters = channels_of(target, self.axis)
        for tensor, factor in zip(call.inputs, factors, strict=True):
            source = self.tensor(tensor)
            if factor != 1:
                made = Tensor(target.shape)
                kernel = np.full(filters, factor)
                entries = {"filters": filters, "kernel": kernel}
                name = f"{call.layer.name}_factor"
                self.append_linear(name, source, made, "scale", entries)
                source = made
            terms.append(Term(source))
        self._append_mix(call, terms)

    def _joins_channels(self, call):
        layer, target = call.layer, call.outputs[0]
        return (
            type(layer).__name__ == "Concatenate"
            and type(layer).__module__.startswith("keras.")
            and layer.axis % len(target.shape)
            == channel_axis(target, self.axis)
        )


def _check_training(call):
    given = call.kwargs.get("training")
    # Keras's preprocessing layers have True as a default, and are told.
    known = inspect.signature(call.layer.call).parameters.get("training")
    if given and not (known and known.default is True):
        raise unsupported(
            call.layer.name,
            type(call.layer).__name__,
            f"was called with training={given!r}",
            "Build the model without that argument.",
        )


def _why(call, known):
    kind, repair = type(call.layer).__name__, "Convert the parts around it."
    if not known:
        return "joins branches by code of its own class", repair
    if kind == "Multiply":
        return (
            "multiplies two branches (a gate, as in squeeze-and-excitation): "
            "no convolution computes that from channels side by side",
            repair,
        )
    shapes = [tensor.shape for tensor in call.inputs]
    if kind == "Add":
        return f"adds tensors of the shapes {shapes}, not equal ones", repair
    return f"reads {len(call.inputs)} tensors of the shapes {shapes}", repair
