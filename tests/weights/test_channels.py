"""Weights for images of other channels are refused with what to do."""

import keras
import pytest

import keras_pnnh
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet,
    PlainResNet18,
    PlainResNet20,
    PlainViTTiny16,
    PlainWide11,
)
from keras_pnnh.weights import loader

SMALL = {"blocks_per_stage": (1, 1), "filters_per_stage": (4, 8), "classes": 3}


@pytest.mark.parametrize(
    ("construct", "weights", "arguments"),
    [
        (PlainResNet20, "cifar10", {"input_shape": (32, 32, 1)}),
        (PlainResNet20, "cifar10", {"input_shape": (32, 32, 4)}),
        (
            PlainResNet20,
            "cifar10",
            {"input_tensor": keras.Input((32, 32, 1))},
        ),
        (
            PlainResNet20,
            "cifar10",
            {"input_shape": (1, 32, 32), "data_format": "channels_first"},
        ),
        (PlainWide11, "cifar10", {"input_shape": (32, 32, 1)}),
        (PlainResNet18, "imagenet", {"input_shape": (64, 64, 1)}),
        (
            PlainResNet18,
            "imagenet",
            {"input_shape": (64, 64, 1), "preprocessing": "none"},
        ),
        (PlainMobileNetV2, "imagenet", {"input_shape": (64, 64, 2)}),
        (PlainViTTiny16, "imagenet", {"input_shape": (224, 224, 1)}),
    ],
)
def test_published_weights(construct, weights, arguments):
    with pytest.raises(ValueError) as error:
        construct(weights=weights, local_files_only=True, **arguments)
    rule, _, received = str(error.value).partition("Received: ")
    assert "read images of 3 channels" in rule
    assert "channels=" in received
    assert ("np.repeat" in received) == ("channels=1." in received)


@pytest.mark.parametrize("name", ["from_weights", "constructor", "loader"])
def test_files_of_ones_own(name, tmp_path):
    path = tmp_path / "grey.weights.h5"
    model = PlainResNet(**SMALL, input_shape=(8, 8, 1))
    keras_pnnh.save_weights(model, path)
    assert keras_pnnh.from_weights(path).input_shape == (None, 8, 8, 1)
    with pytest.raises(ValueError, match="channels"):
        if name == "from_weights":
            keras_pnnh.from_weights(path, input_shape=(8, 8, 3))
        elif name == "constructor":
            PlainResNet20(
                weights=path,
                blocks_per_stage=(1, 1),
                filters_per_stage=(4, 8),
                input_shape=(8, 8, 3),
            )
        else:
            loader.load(PlainResNet(**SMALL, input_shape=(8, 8, 3)), path)
