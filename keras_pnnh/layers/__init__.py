"""Keras layers of plain networks: the coder and the convolution it rides on."""

from keras_pnnh.layers.coder import Coder
from keras_pnnh.layers.plain_conv2d import PlainConv2D
from keras_pnnh.layers.zero_padding_shortcut import ZeroPaddingShortcut

__all__ = ["Coder", "PlainConv2D", "ZeroPaddingShortcut"]
