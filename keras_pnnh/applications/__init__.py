"""Plain networks ready to use, in the manner of `keras.applications`."""

from keras_pnnh.applications.plain_resnet import (
    PlainResNet,
    PlainResNet20,
    PlainResNet32,
    PlainResNet44,
    PlainResNet56,
    PlainResNet110,
)

__all__ = [
    "PlainResNet",
    "PlainResNet20",
    "PlainResNet32",
    "PlainResNet44",
    "PlainResNet56",
    "PlainResNet110",
]
