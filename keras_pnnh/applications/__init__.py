"""Plain networks ready to use, in the manner of `keras.applications`."""

from keras_pnnh.applications.catalog import create_model, list_models
from keras_pnnh.applications.features import features
from keras_pnnh.applications.plain_resnet import (
    PlainResNet,
    PlainResNet18,
    PlainResNet20,
    PlainResNet32,
    PlainResNet34,
    PlainResNet44,
    PlainResNet50,
    PlainResNet56,
    PlainResNet101,
    PlainResNet110,
    PlainResNet152,
)

__all__ = [
    "create_model",
    "features",
    "list_models",
    "PlainResNet",
    "PlainResNet18",
    "PlainResNet20",
    "PlainResNet32",
    "PlainResNet34",
    "PlainResNet44",
    "PlainResNet50",
    "PlainResNet56",
    "PlainResNet101",
    "PlainResNet110",
    "PlainResNet152",
]
