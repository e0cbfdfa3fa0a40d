"""What only a chain can do."""

import keras
import numpy as np
import pytest
from conversion_checks import noise
from keras import layers
from residual_sources import network

from keras_pnnh.applications.plain_resnet import PlainResNet
from keras_pnnh.folding import fold
from keras_pnnh.graph import (
    as_sequential,
    truncate,
)
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.pass_through import from_residual


@pytest.fixture(scope="module")
def plain():
    model = network([("basic", 4, 1), ("inverted", 4, 1)])
    return from_residual(model)[0]


def run(model, images):
    return to_numpy(model(images, training=False))


def test_a_chain_as_a_list_of_layers(plain, tmp_path):
    sequential = as_sequential(plain, name="list")
    assert type(sequential) is keras.Sequential and sequential.name == "list"
    names = [layer.name for layer in plain.layers[1:]]
    assert [layer.name for layer in sequential.layers] == names
    images = noise(plain)
    want = run(plain, images)
    np.testing.assert_array_equal(run(sequential, images), want)
    sequential.save(tmp_path / "list.keras")
    loaded = keras.models.load_model(tmp_path / "list.keras")
    np.testing.assert_array_equal(run(loaded, images), want)
    for weight in sequential.weights:
        weight.assign(np.zeros(weight.shape))
    np.testing.assert_array_equal(run(plain, images), want)


def test_any_prefix_is_a_network(plain):
    images = noise(plain)
    for layer in plain.layers[1:]:
        prefix = truncate(plain, layer.name)
        want = run(keras.Model(plain.input, layer.output), images)
        np.testing.assert_array_equal(run(prefix, images), want)


def test_prefix_by_stage_and_block():
    model = PlainResNet((1, 2), (4, 6), input_shape=(8, 8, 3))
    chain = fold(model)
    for stage, last in (
        ("stage1", "stage1_block1_relu2"),
        ("stage2_block1", "stage2_block1_relu2"),
        ("stem", "stem_relu"),
        ("head", "head"),
    ):
        assert truncate(chain, stage).layers[-1].name == last
    assert truncate(chain, "stage1", name="first").name == "first"
    assert truncate(chain, "stage1").name == chain.name
    with pytest.raises(ValueError, match="Received: stage='stage3', model"):
        truncate(chain, "stage3")
    with pytest.raises(ValueError, match="stage='images', the input of"):
        truncate(chain, "images")


@pytest.mark.parametrize(
    "function", [as_sequential, lambda m: truncate(m, "x")]
)
def test_what_is_no_chain(function):
    model = network([("basic", 4, 1)])
    with pytest.raises(ValueError, match="meet or part at layer 're_lu.*fold"):
        function(model)
    x = keras.Input((4,), name="x")
    with pytest.raises(ValueError, match=r"calls '.*' \(Add\) in another way"):
        function(keras.Model(x, x + 1))
    dense = layers.Dense(4, name="again")
    with pytest.raises(ValueError, match="'again', which is called more than"):
        as_sequential(keras.Model(x, dense(dense(x))))


def test_arguments_of_a_call_are_not_lost():
    x = keras.Input((4,), name="x")
    y = layers.Dropout(0.5, name="drop")(x, training=True)
    with pytest.raises(ValueError, match="calls 'drop'"):
        as_sequential(keras.Model(x, y))


def test_augmentation_stands_in_a_chain(images):
    x = keras.Input((8, 8, 3))
    y = layers.RandomFlip("horizontal")(x)
    model = keras.Model(x, layers.Conv2D(2, 3)(y))
    np.testing.assert_allclose(
        to_numpy(as_sequential(model)(images, training=False)),
        to_numpy(model(images, training=False)),
        rtol=1e-5,
    )
