"""Keras layers of plain networks: the coder and the layers that add it."""

from keras_pnnh.layers.coder import Coder
from keras_pnnh.layers.handed_weights import HandedWeights
from keras_pnnh.layers.plain_attention import PlainAttention
from keras_pnnh.layers.plain_conv2d import PlainConv2D
from keras_pnnh.layers.plain_dense import PlainDense
from keras_pnnh.layers.plain_depthwise_conv2d import PlainDepthwiseConv2D
from keras_pnnh.layers.plain_layer import PlainLayer
from keras_pnnh.layers.shared_kernel import SharedKernel
from keras_pnnh.layers.token_embedding import TokenEmbedding
from keras_pnnh.layers.zero_padding_shortcut import ZeroPaddingShortcut

__all__ = [
    "Coder",
    "HandedWeights",
    "PlainAttention",
    "PlainConv2D",
    "PlainDense",
    "PlainDepthwiseConv2D",
    "PlainLayer",
    "SharedKernel",
    "TokenEmbedding",
    "ZeroPaddingShortcut",
]
