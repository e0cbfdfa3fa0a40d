"""Keras layers of plain networks: the coder, the carry, what they ride on."""

from keras_pnnh.layers.carry_activation import CarryActivation
from keras_pnnh.layers.carry_attention import CarryAttention
from keras_pnnh.layers.carry_conv2d import CarryConv2D
from keras_pnnh.layers.carry_dense import CarryDense
from keras_pnnh.layers.carry_normalization import CarryNormalization
from keras_pnnh.layers.coder import Coder
from keras_pnnh.layers.plain_attention import PlainAttention
from keras_pnnh.layers.plain_conv2d import PlainConv2D
from keras_pnnh.layers.plain_dense import PlainDense
from keras_pnnh.layers.plain_depthwise_conv2d import PlainDepthwiseConv2D
from keras_pnnh.layers.shared_kernel import SharedKernel
from keras_pnnh.layers.token_embedding import TokenEmbedding
from keras_pnnh.layers.zero_padding_shortcut import ZeroPaddingShortcut

__all__ = [
    "CarryActivation",
    "CarryAttention",
    "CarryConv2D",
    "CarryDense",
    "CarryNormalization",
    "Coder",
    "PlainAttention",
    "PlainConv2D",
    "PlainDense",
    "PlainDepthwiseConv2D",
    "SharedKernel",
    "TokenEmbedding",
    "ZeroPaddingShortcut",
]
