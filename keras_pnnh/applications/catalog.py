"""Applications by name."""

import difflib
import fnmatch

from keras_pnnh.applications import (
    plain_mobilenet_v2,
    plain_resnet,
    plain_vit,
)

MODELS = {
    "plain_resnet18": plain_resnet.PlainResNet18,
    "plain_resnet34": plain_resnet.PlainResNet34,
    "plain_resnet50": plain_resnet.PlainResNet50,
    "plain_resnet101": plain_resnet.PlainResNet101,
    "plain_resnet152": plain_resnet.PlainResNet152,
    "plain_resnet20": plain_resnet.PlainResNet20,
    "plain_resnet32": plain_resnet.PlainResNet32,
    "plain_resnet44": plain_resnet.PlainResNet44,
    "plain_resnet56": plain_resnet.PlainResNet56,
    "plain_resnet110": plain_resnet.PlainResNet110,
    **plain_mobilenet_v2.CONSTRUCTORS,
    "plain_vit_tiny16": plain_vit.PlainViTTiny16,
    "plain_vit_small16": plain_vit.PlainViTSmall16,
    "plain_vit_base16": plain_vit.PlainViTBase16,
}


def list_models(pattern="*"):
    """Names of the models that match a shell pattern, by family."""
    return [name for name in MODELS if fnmatch.fnmatch(name, pattern)]


def create_model(name, /, **arguments):
    """Construct a model by name.

    Args:
        name: One of `list_models()`.
        **arguments: Arguments of its constructor.

    Raises:
        ValueError: For an unknown name; the message offers the nearest ones.
    """
    if name not in MODELS:
        near = difflib.get_close_matches(str(name), MODELS, cutoff=0.0)
        raise ValueError(
            "A model's name must be one of `keras_pnnh.list_models()` (on the "
            "command line: `keras-pnnh list`). "
            f"Received: name={name!r}. Nearest: {', '.join(near)}."
        )
    return MODELS[name](**arguments)
