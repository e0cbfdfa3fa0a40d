"""Configs and notes of earlier versions, in the arguments of today.

A note in a weight file holds a part of the arguments, so nothing here relies
on a key being there.
"""

from typing import Any

# What decided on initial values alone; the weights say now what they are.
INITIAL = ("learner_gain", "coder_initializer", "code_gain")

# By class, arguments that are gone or have lost values, with what is left.
LEFT = {
    "PlainResNet": {
        "coder_sharing": ("stage",),
        "dropout_rate": (0.0,),
        "norm": ("learner", "kernel"),
    },
    "PlainMobileNet": {
        "coder_sharing": ("stage",),
        "norm": ("learner",),
        "code_ratio": (2.0,),
    },
    "PlainViT": {"token_mixing": ("shaped", "identity_heads")},
}

PLACEMENTS = {"added": "add", "beside": "concat"}


def translate(class_name: str, config: Any) -> dict[Any, Any]:
    """The config with today's names and values; one of today is unchanged.

    Args:
        class_name: The family; configs of others are left as they are.
        config: Arguments by name.

    Raises:
        ValueError: For a value that no argument expresses any more.
    """
    if class_name not in LEFT:
        return dict(config)
    config = {key: config[key] for key in config if key not in INITIAL}
    if config.pop("coder", "autoencoder") == "identity":
        config["internal_path"] = "pass_through"
    if not config.pop("include_preprocessing", True):
        config["preprocessing"] = "none"
    if config.get("internal_path", "coder") != "coder":
        _drop_what_only_a_coder_needs(config)
    placement = config.get("code_placement")
    if placement in PLACEMENTS:
        config["code_placement"] = PLACEMENTS[placement]
    if config.pop("activation_order", "post") == "pre":
        config["block"] = config.get("block", "basic") + "_v2"
    _drop_shortcut(class_name, config)
    for name, values in LEFT.get(class_name, {}).items():
        if name not in config:
            continue
        if config[name] not in values:
            raise _not_expressible(class_name, name, config[name], values)
        if len(values) == 1:
            del config[name]
    return config


def _drop_what_only_a_coder_needs(config):
    if config.get("norm") == "sum":
        config["norm"] = "learner"  # the same, where nothing is added
    if config.get("token_mixing") == "softmax":
        del config["token_mixing"]


def _drop_shortcut(class_name, config):
    """The stem says today how the skips of the twin change shape."""
    large = config.get("stem") == "7x7_pool"
    left = "projection" if large else "zero_padding"
    given = config.pop("shortcut", left)
    skips = config.get("internal_path") in ("residual", "pass_through")
    if skips and given != left:
        raise _not_expressible(class_name, "shortcut", given, (left,))


def _not_expressible(class_name, name, value, values):
    left = " or ".join(map(repr, values))
    return ValueError(
        "What an earlier version saved must be expressed in the arguments of "
        f"this one. Received: a {class_name} with {name}={value!r}, of which "
        f"{left} is left. Load it with the version that saved it."
    )
