"""Where a network can be cut, and that its parts compute what it computed."""

import keras
import numpy as np
import pytest
from harness import to_numpy
from keras import layers

import keras_pnnh
from keras_pnnh.applications import PlainResNet
from keras_pnnh.graph import list_cuts, split


def network(**arguments):
    return PlainResNet(
        (1, 2), (4, 6), input_shape=(8, 8, 3), classes=3, **arguments
    )


@pytest.fixture
def pictures():
    return np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))


def whole(parts, x):
    first, second = parts
    return to_numpy(second(first(x)))


def test_a_chain_is_cut_after_every_layer(pictures):
    chain = keras_pnnh.fold(network())
    expected = to_numpy(chain(pictures))
    cuts = list_cuts(chain)
    assert len(cuts) == len(chain.layers) - 1
    assert not any(cut.others for cut in cuts)
    for cut in cuts[1:]:
        parts = split(chain, cut.layer)
        assert parts[0].output_shape[1:] == cut.shapes[0]
        np.testing.assert_allclose(whole(parts, pictures), expected, rtol=1e-5)


@pytest.mark.parametrize("path", ["coder", "residual", "none", "pass_through"])
def test_training_forms_are_cut_between_stages(path, pictures):
    model = network(internal_path=path)
    parts = split(model, "stage1")
    np.testing.assert_allclose(
        whole(parts, pictures), to_numpy(model(pictures)), rtol=1e-4, atol=1e-6
    )


@pytest.mark.every_backend
def test_the_parts_have_weights_of_their_own(pictures):
    chain = keras_pnnh.fold(network())
    expected = to_numpy(chain(pictures))
    parts = split(chain, "stage1")
    for part in parts:
        part.set_weights([0 * w for w in part.get_weights()])
    np.testing.assert_array_equal(to_numpy(chain(pictures)), expected)


def test_parts_are_saved(tmp_path, pictures):
    chain = keras_pnnh.fold(network())
    parts = []
    for number, part in enumerate(split(chain, "stage1")):
        part.save(tmp_path / f"{number}.keras")
        parts.append(keras.saving.load_model(tmp_path / f"{number}.keras"))
    np.testing.assert_allclose(
        whole(parts, pictures), to_numpy(chain(pictures)), rtol=1e-5
    )


def test_a_block_with_a_skip_is_not_cut():
    twin = network(internal_path="residual")
    cuts = {cut.layer: cut for cut in list_cuts(twin)}
    inside = cuts["stage1_block1_conv1"]
    assert inside.others == ("stem_relu",)
    assert inside.floats == 2 * 8 * 8 * 4
    assert not cuts["stage1_block1_relu2"].others
    with pytest.raises(
        ValueError, match="'stem_relu' left is needed"
    ) as caught:
        split(twin, "stage1_block1_conv1")
    assert "'stage1_block1_relu2'" in str(caught.value)


def test_a_model_of_keras_and_nested_models(pictures):
    inner = keras.Sequential(
        [layers.Conv2D(4, 3, name="a"), layers.ReLU(name="b")], name="inner"
    )
    x = keras.Input((8, 8, 3), name="x")
    y = layers.Conv2D(2, 1, name="c")(inner(x))
    model = keras.Model(x, {"y": y})
    first, second = split(model, "b")
    assert first.output_shape == (None, 6, 6, 4)
    np.testing.assert_allclose(
        to_numpy(second(first(pictures))["y"]),
        to_numpy(model(pictures)["y"]),
        rtol=1e-5,
    )


def test_open_sizes():
    chain = keras_pnnh.fold(
        PlainResNet((1,), (4,), input_shape=(None, None, 3), include_top=False)
    )
    assert list_cuts(chain)[0].floats is None
    first, second = split(chain, "stem_relu")
    assert second(first(np.zeros((1, 9, 7, 3)))).shape == (1, 9, 7, 4)


@pytest.mark.parametrize("at", ["images", "head", "stage9", "", 3])
def test_places_that_are_none(at):
    with pytest.raises(ValueError, match="between the input and the last"):
        split(keras_pnnh.fold(network()), at)


def test_several_inputs_are_refused():
    x, y = (keras.Input((4,), name=name) for name in "xy")
    model = keras.Model([x, y], layers.Add(name="sum")([x, y]))
    with pytest.raises(ValueError, match="one input. Received: .* with 2"):
        split(model, "sum")
    assert [cut.others for cut in list_cuts(model)] == [(), ("x",)]


def test_a_result_from_the_first_part_would_travel():
    x = keras.Input((4,), name="x")
    y = layers.Dense(4, name="y")(x)
    z = layers.Dense(4, name="z")(y)
    with pytest.raises(ValueError, match="'y' left is needed"):
        split(keras.Model(x, [y, layers.Dense(2, name="w")(z)]), "z")
