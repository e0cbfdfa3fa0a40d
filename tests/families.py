"""A tiny network of every family, for the tests that all of them must pass."""

from typing import Any, NamedTuple

from keras_pnnh.applications import (
    PlainMobileNet,
    PlainResNet,
    PlainViT,
    PlainWide,
)


class Family(NamedTuple):
    """A model class and numbers that make it small.

    Images have 8x8 pixels; there are two coders, used by several blocks each.
    """

    model_class: Any
    numbers: dict
    settings: dict  # arguments of the family's own, none at its default
    first_layer: str = "stem_conv"
    another_height: int = 9  # that the family takes

    def build(self, **kwargs):
        arguments = {"input_shape": (8, 8, 3), "classes": 10, **kwargs}
        return self.model_class(**self.numbers, **arguments)


FAMILIES = {
    "plain_resnet": Family(
        PlainResNet,
        {"blocks_per_stage": (2, 2), "filters_per_stage": (4, 8)},
        {
            "norm": "kernel",
            "code_ratio": 0.5,
            "shared_learners": [2],
            "code_placement": "concat",
            "learner_ratio": 0.75,
        },
    ),
    "plain_mobilenet_v2": Family(
        PlainMobileNet,
        {
            "blocks_per_stage": (1, 2, 2),
            "filters_per_stage": (8, 8, 16),
            "strides_per_stage": (1, 2, 2),
            "stem_filters": 8,
            "last_filters": 16,
            "stem": "3x3",
        },
        {"dropout_rate": 0.1, "expansion": 4},
    ),
    "plain_vit": Family(
        PlainViT,
        {
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 8,
            "mlp_dim": 20,
            "patch_size": 4,
        },
        {
            "class_token": False,
            "dropout_rate": 0.1,
            "token_mixing": "identity_heads",
        },
        first_layer="patch_embedding",
        another_height=12,
    ),
    "plain_wide": Family(
        PlainWide,
        {"filters_per_stage": (4, 8), "convolutions_per_stage": 3},
        {"start": "dirac", "code_placement": "concat"},
    ),
}
