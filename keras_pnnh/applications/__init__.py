"""Plain networks ready to use, in the manner of `keras.applications`."""

from keras_pnnh.applications.catalog import create_model, list_models
from keras_pnnh.applications.plain_resnet import (
    PlainResNet,
    PlainResNet20,
    PlainResNet32,
    PlainResNet44,
    PlainResNet56,
    PlainResNet110,
)

__all__ = [
    "create_model",
    "list_models",
    "PlainResNet",
    "PlainResNet20",
    "PlainResNet32",
    "PlainResNet44",
    "PlainResNet56",
    "PlainResNet110",
]
