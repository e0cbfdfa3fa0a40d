import keras
import pytest
from keras import layers

from keras_pnnh.analysis import find_taps
from keras_pnnh.applications import PlainResNet


def names(taps):
    return [tap.name for tap in taps]


def block_with_skip():
    x = keras.Input((4, 4, 3), name="x")
    trunk = layers.Conv2D(3, 3, padding="same", name="conv1")(x)
    trunk = layers.ReLU(name="relu1")(trunk)
    branch = layers.Conv2D(3, 3, padding="same", name="conv2")(trunk)
    branch = layers.Activation("gelu", name="gelu")(branch)
    trunk = layers.Add(name="add")([trunk, branch])
    head = layers.Dense(2, activation="softmax", name="head")(
        layers.GlobalAveragePooling2D(name="pool")(trunk)
    )
    return keras.Model(x, head)


def test_default_reads_non_linearities_and_open_sums():
    taps = find_taps(block_with_skip())
    assert names(taps) == ["relu1", "gelu", "add"]
    assert [tap.nonlinear for tap in taps] == [True, True, False]
    assert [tap.trunk for tap in taps] == [True, False, True]
    assert [tap.depth for tap in taps] == [1, 2, 2]


def test_a_sum_before_a_non_linearity_is_left_to_it():
    model = PlainResNet((1, 1), (4, 8), internal_path="residual")
    taps = find_taps(model)
    assert names(taps) == [
        "stem_relu",
        "stage1_block1_relu1",
        "stage1_block1_relu2",
        "stage2_block1_relu1",
        "stage2_block1_relu2",
    ]
    assert [tap.trunk for tap in taps] == [True, False, True, False, True]


@pytest.mark.parametrize("internal_path", ["coder", "none"])
def test_a_coder_leads_around_nothing(internal_path):
    taps = find_taps(PlainResNet((1, 1), (4, 8), internal_path=internal_path))
    assert all(tap.trunk and tap.nonlinear for tap in taps)
    assert [tap.depth for tap in taps] == [1, 2, 3, 4, 5]


def test_patterns_and_names():
    model = block_with_skip()
    assert names(find_taps(model, ["conv*", "pool"])) == [
        "conv1",
        "conv2",
        "pool",
    ]
    assert names(find_taps(model, "head")) == ["head"]
    with pytest.raises(ValueError, match="Received: 'relu3'. Nearest: relu1"):
        find_taps(model, ["relu1", "relu3"])


def test_every_call_of_a_shared_layer_has_a_name():
    x = keras.Input((3,))
    dense = layers.Dense(3, activation="relu", name="shared")
    model = keras.Model(x, dense(dense(x)))
    taps = find_taps(model)
    assert names(taps) == ["shared", "shared#2"]
    assert [tap.depth for tap in taps] == [1, 2]


def test_nested_and_sequential_models_are_read_through():
    inner = keras.Sequential(
        [keras.Input((3,)), layers.Dense(3, activation="tanh", name="inner")]
    )
    x = keras.Input((3,))
    model = keras.Model(x, layers.ReLU(name="relu")(inner(x)))
    assert names(find_taps(model)) == ["inner", "relu"]


def test_sigmoid_and_softmax_tell_nothing_about_survival():
    x = keras.Input((3,))
    y = layers.Dense(3, activation="sigmoid")(x)
    model = keras.Model(x, layers.Activation("softmax")(y), name="gates")
    with pytest.raises(ValueError, match="'gates' with neither"):
        find_taps(model)
