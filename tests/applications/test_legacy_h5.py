"""Keras's legacy `model.h5`, as many scripts still write it."""

import keras
import numpy as np
import pytest
from test_constructors import MOBILENET, RESNET, VIT

import keras_pnnh
from keras_pnnh.applications import PlainMobileNet, PlainResNet, PlainViT

pytestmark = [
    pytest.mark.torch_only,
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5"),
]


def nested():
    return keras.Sequential([keras.Input((8, 8, 3)), PlainResNet(**RESNET)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: PlainResNet(**RESNET),
        lambda: PlainResNet(**RESNET, internal_path="pass_through"),
        lambda: PlainResNet(**RESNET, code_placement="concat"),
        lambda: PlainMobileNet(**MOBILENET),
        lambda: PlainViT(**VIT),
        lambda: keras_pnnh.fold(PlainResNet(**RESNET)),
        lambda: keras_pnnh.fold(PlainViT(**VIT)),
        nested,
    ],
)
def test_loads_and_computes_the_same(make, images, tmp_path):
    model = make()
    model.save(tmp_path / "model.h5")
    loaded = keras.saving.load_model(tmp_path / "model.h5", compile=False)
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
