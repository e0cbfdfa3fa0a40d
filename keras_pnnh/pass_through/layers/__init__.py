"""Layers with pass-through channels."""

from keras_pnnh.pass_through.layers._pass_through_layer import PassThroughLayer
from keras_pnnh.pass_through.layers.carry_activation import CarryActivation
from keras_pnnh.pass_through.layers.carry_attention import CarryAttention
from keras_pnnh.pass_through.layers.carry_conv2d import CarryConv2D
from keras_pnnh.pass_through.layers.carry_dense import CarryDense
from keras_pnnh.pass_through.layers.carry_normalization import (
    CarryNormalization,
)

__all__ = [
    "CarryActivation",
    "CarryAttention",
    "CarryConv2D",
    "CarryDense",
    "CarryNormalization",
    "PassThroughLayer",
]
