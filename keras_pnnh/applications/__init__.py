"""Plain networks ready to use, in the manner of `keras.applications`."""

from keras_pnnh.applications._application import Application
from keras_pnnh.applications._variant import register, variant
from keras_pnnh.applications.catalog import create_model, list_models
from keras_pnnh.applications.decode_predictions import decode_predictions
from keras_pnnh.applications.features import features
from keras_pnnh.applications.plain_mobilenet_v2 import (
    PlainMobileNet,
    PlainMobileNetV2,
)
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
from keras_pnnh.applications.plain_vit import (
    PlainViT,
    PlainViTBase16,
    PlainViTSmall16,
    PlainViTTiny16,
)
from keras_pnnh.applications.plain_wide import (
    PlainWide,
    PlainWide11,
    PlainWide11Small,
)
from keras_pnnh.applications.preprocess_input import preprocess_input
from keras_pnnh.applications.pretrained.from_weights import from_weights

__all__ = [
    "Application",
    "create_model",
    "decode_predictions",
    "features",
    "from_weights",
    "list_models",
    "preprocess_input",
    "register",
    "variant",
    "PlainMobileNet",
    "PlainMobileNetV2",
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
    "PlainViT",
    "PlainViTBase16",
    "PlainViTSmall16",
    "PlainViTTiny16",
    "PlainWide",
    "PlainWide11",
    "PlainWide11Small",
]
