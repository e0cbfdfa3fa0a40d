"""A tiny network of every family, for the tests that all of them must pass."""

from typing import Any, NamedTuple

from keras_pnnh.applications import PlainMobileNet, PlainResNet


class Family(NamedTuple):
    """A model class and numbers that make it small.

    Images have 8x8 pixels; there are two stages with a coder, of several
    blocks each.
    """

    model_class: Any
    numbers: dict

    def build(self, **kwargs):
        arguments = {"input_shape": (8, 8, 3), "classes": 10, **kwargs}
        return self.model_class(**self.numbers, **arguments)


FAMILIES = {
    "plain_resnet": Family(
        PlainResNet, {"blocks_per_stage": (2, 2), "filters_per_stage": (4, 8)}
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
    ),
}
