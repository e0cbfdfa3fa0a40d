"""Layers on tokens and on vectors of features as operations."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.graph import Tensor
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import PlainAttention
from keras_pnnh.pass_through.conversion.attention_kernels import (
    multi_head_kernels,
    plain_kernels,
)
from keras_pnnh.pass_through.conversion.channel_factors import scale_and_bias
from keras_pnnh.pass_through.conversion.operation_list import OperationList
from keras_pnnh.pass_through.conversion.operations import (
    Attention,
    Norm,
    channel_axis,
    with_channels,
)


class FeatureLayers(OperationList):
    """Reads the layers whose input has its channels last, and no pixels."""

    def read_feature_layer(self, call: Any) -> None:
        layer = call.layer
        if type(layer) is keras.layers.Dense:
            self._dense(call, to_numpy(layer.kernel))
        elif type(layer) is keras.layers.Conv1D and _is_dense(layer):
            self._dense(call, to_numpy(layer.kernel)[0])
        elif type(layer) is keras.layers.BatchNormalization:
            self._batch_norm(call)
        elif type(layer) is PlainAttention and _only_mixes(layer):
            self._attention(call, plain_kernels(layer))
        else:
            self.whole(call)

    def read_multi_head_attention(self, call: Any) -> None:
        self._attention(call, multi_head_kernels(call))

    def read_layer_norm(self, call: Any) -> None:
        layer, tensor = call.layer, call.inputs[0]
        rank = len(tensor.shape)
        axes = np.atleast_1d(layer.axis) % rank
        last = channel_axis(tensor, self.axis) == rank - 1
        by_root = getattr(layer, "rms_scaling", False)  # of neither kind
        if list(axes) != [rank - 1] or not last or by_root:
            self.whole(call)
            return
        rms = type(layer) is keras.layers.RMSNormalization
        scale, bias = (
            None if vector is None else to_numpy(vector)
            for vector in (
                getattr(layer, "scale" if rms else "gamma", None),
                getattr(layer, "beta", None),
            )
        )
        self.operations.append(
            Norm(
                layer.name,
                self.dtype,
                self.tensor(tensor),
                call.outputs[0],
                float(layer.epsilon),
                rms,
                scale,
                bias,
                layer,
            )
        )

    def _dense(self, call, kernel):
        layer, target = call.layer, call.outputs[0]
        middle = self.before_activation(layer, target)
        bias = to_numpy(layer.bias) if layer.use_bias else None
        source = self.tensor(call.inputs[0])
        entries = {"filters": kernel.shape[1], "kernel": kernel, "bias": bias}
        self.append_linear(layer.name, source, middle, "dense", entries)
        self.activate_fused(layer, middle, target)

    def _batch_norm(self, call):
        layer, rank = call.layer, len(call.inputs[0].shape)
        if layer.axis % rank != rank - 1:
            self.whole(call)
            return
        scale, bias = scale_and_bias(layer)
        self.linear(call, "scale", kernel=scale, bias=bias, layer=layer)

    def _attention(self, call, kernels):
        """One kernel, the mixing of the tokens, and another kernel."""
        name, target = call.layer.name, call.outputs[0]
        made, mixed = (
            Tensor(with_channels(target, self.axis, kernel.shape[axis]))
            for kernel, axis in ((kernels.inner, 1), (kernels.outer, 0))
        )
        source = self.tensor(call.inputs[0])
        entries = {
            "filters": kernels.inner.shape[1],
            "kernel": kernels.inner,
            "bias": kernels.inner_bias,
        }
        self.append_linear(f"{name}_heads", source, made, "dense", entries)
        self.operations.append(
            Attention(
                f"{name}_mixing",
                self.dtype,
                made,
                mixed,
                kernels.num_heads,
                kernels.key_dim,
                kernels.causal,
            )
        )
        entries = {
            "filters": kernels.outer.shape[1],
            "kernel": kernels.outer,
            "bias": kernels.outer_bias,
        }
        self.append_linear(name, mixed, target, "dense", entries)


def _only_mixes(layer):
    """Whether no tokens pass through an attention layer itself."""
    return layer.token_mixing == "softmax" and not layer.identity_heads


def _is_dense(layer):
    """Whether a convolution reads one token at a time."""
    return (
        layer.kernel_size == (1,)
        and layer.strides == (1,)
        and layer.groups == 1
        and layer.data_format == "channels_last"
    )
