"""Every topology, in both paddings, on odd and even sizes."""

import keras
import numpy as np
import pytest
from conversion_checks import convert, relative_difference, write_out
from harness import CHANNELS_FIRST_WORKS
from keras import layers
from residual_sources import BLOCKS, conv, head, network, norm, trained_like

from keras_pnnh import pass_through
from keras_pnnh.applications.plain_resnet import PlainResNet
from keras_pnnh.auditing import audit
from keras_pnnh.folding import fold
from keras_pnnh.pass_through import from_residual
from keras_pnnh.pass_through.layers import (
    CarryActivation,
    CarryConv2D,
)

# Max pooling beside a carry, and an average that is over fewer pixels at the
# border, are no convolutions.
NOT_DENSE = {("xception", (8, 8)), ("xception", (9, 7))}
NOT_DENSE.add(("average_shortcut", (9, 7)))


@pytest.mark.slow_on_jax
@pytest.mark.parametrize(
    "size", [(8, 8), pytest.param((9, 7), marks=pytest.mark.torch_only)]
)
@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_every_topology_becomes_a_chain(block, size):
    model = network([(block, 4, 1), (block, 6, 2)], size)
    plain, certificate = convert(model)
    if (block, size) in NOT_DENSE:
        assert certificate.written_out_macs is None
        with pytest.raises(ValueError, match="without `write_out`"):
            pass_through.write_out(plain)
    else:
        write_out(model, plain)


def test_the_chain_of_a_basic_block():
    """Reserve, carry beside the ReLU, merge: no layer more."""
    plain, certificate = convert(network([("basic", 6, 2)]))
    names = [layer.name for layer in plain.layers]
    classes = [type(layer) for layer in plain.layers]
    assert certificate.pass_through_channels == 4
    assert classes == [
        layers.InputLayer,
        layers.Conv2D,
        layers.ReLU,
        CarryConv2D,
        CarryActivation,
        CarryConv2D,
        layers.ReLU,
        layers.GlobalAveragePooling2D,
        layers.Dense,
    ]
    assert len(set(names)) == len(names)
    assert names[0] == "images" and names[-1] == "logits"
    reserve, merge = plain.layers[3], plain.layers[5]
    # The projection is part of the merge: 4 channels are carried, not 6.
    assert [block.kind for block in reserve.blocks] == ["conv", "identity"]
    assert {block.kind for block in merge.blocks} == {"conv"}
    assert merge.filters == 6
    assert merge.blocks[0].kernel_size == (1, 1)


def twin(**arguments):
    model = PlainResNet(
        (1, 2),
        (4, 6),
        **{
            "input_shape": (8, 9, 3),
            "internal_path": "residual",
            "classes": 3,
            **arguments,
        },
    )
    return trained_like(model)


@pytest.mark.parametrize("norm_place", ["learner", "kernel"])
@pytest.mark.parametrize(
    ("stem", "block"), [("3x3", "basic"), ("7x7_pool", "bottleneck")]
)
def test_our_twins(stem, block, norm_place):
    model = twin(
        stem=stem, block=block, norm=norm_place, input_shape=(16, 19, 3)
    )
    plain, certificate = convert(model)
    assert not audit(model).plain
    write_out(model, plain)
    # The channels of zeros of option A are not carried.
    assert certificate.pass_through_channels == (6 if block == "basic" else 24)


@pytest.mark.torch_only
def test_a_coder_network_is_a_chain_already():
    model = twin(internal_path="coder")
    plain, certificate = convert(model)
    assert certificate.pass_through_channels == 0
    names = [layer.name for layer in fold(model).layers]
    assert [layer.name for layer in plain.layers] == names


@pytest.mark.skipif(
    not CHANNELS_FIRST_WORKS,
    reason="TensorFlow convolves channels first on a GPU only",
)
@pytest.mark.parametrize("stem", ["3x3", "7x7_pool"])
def test_channels_first(stem):
    model = twin(
        input_shape=(3, 16, 19), data_format="channels_first", stem=stem
    )
    plain, _ = convert(model)
    write_out(model, plain)


def test_feature_maps_of_open_size():
    images = keras.Input((None, None, 3))
    x = layers.ReLU()(conv(images, 4))
    for block in ("torch_basic", "average_shortcut", "preactivation_pool"):
        x = BLOCKS[block](x, 6, 2)
    model = trained_like(keras.Model(images, x))
    plain, certificate = from_residual(model)
    assert certificate.largest_relative_difference < 1e-5
    assert certificate.top1_agreement == 1
    assert plain.output_shape == model.output_shape
    for size in ((16, 24), (17, 13)):
        probe = np.random.default_rng(0).standard_normal((2, *size, 3))
        difference = relative_difference(model, plain, probe.astype("float32"))
        assert difference < 1e-5


@pytest.mark.torch_only
def test_a_stride_in_two_steps():
    """The shortcut strides at once by what the learner takes two steps for."""
    images = keras.Input((12, 9, 3))
    y = norm(conv(images, 4, 3, 2))
    y = conv(layers.ReLU()(y), 5, 3, 2)
    x = layers.Add()([y, conv(images, 5, 1, 4)])
    convert(trained_like(keras.Model(images, head(x))))


@pytest.mark.torch_only
def test_nested_models_names_and_operations():
    """Blocks as models, one name twice, `+`, `keras.ops`, a cut border."""
    blocks = []
    for _ in range(2):
        x = keras.Input((8, 8, 4))
        y = keras.ops.relu6(norm(conv(x, 4, name="conv"), name="norm"))
        y = conv(y, 4, padding="valid", use_bias=True, name="last")
        y = layers.Activation("gelu")(layers.Cropping2D(1)(x) + y)
        blocks.append(keras.Model(x, layers.ZeroPadding2D(1)(y)))
    stem = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, padding="same")]
    )
    images = keras.Input((8, 8, 3))
    x = blocks[0](blocks[1](stem(layers.Rescaling(0.5)(images))))
    model = trained_like(keras.Model(images, head(x)))
    plain, _ = convert(model)
    names = [layer.name for layer in plain.layers]
    assert {"conv", "conv_1"} < set(names)
    assert len(set(names)) == len(names)


@pytest.mark.torch_only
def test_layers_without_weights_may_be_shared():
    relu, add = layers.ReLU(), layers.Add()
    images = keras.Input((8, 8, 4))
    x = add([relu(conv(relu(conv(images, 4)), 4)), images])
    x = add([relu(conv(relu(x), 4)), x])
    plain, _ = convert(trained_like(keras.Model(images, head(x))))
    plain_names = [layer.name for layer in plain.layers]
    assert len(set(plain_names)) == len(plain_names)


def test_channels_side_by_side():
    images = keras.Input((8, 8, 4))
    x = layers.ReLU()(conv(images, 4))
    x = layers.Concatenate()([conv(norm(x), 3), x, conv(x, 2, 1)])
    x = layers.MaxPooling2D(2)(layers.Concatenate()([x, conv(x, 2)]))
    model = trained_like(keras.Model(images, head(x)))
    plain, _ = convert(model)
    write_out(model, plain)


class DropPath(layers.Layer):
    """Stochastic depth, as everyone writes it."""

    def call(self, x, training=False):
        if training:
            return x * keras.random.bernoulli((1, 1, 1, 1))
        return x


@pytest.mark.torch_only
def test_constants_and_other_sums():
    """Factors of branches, differences, averages, functions that are layers."""
    images = keras.Input((8, 8, 4))
    x = layers.Lambda(lambda x: x / 2)(layers.RandomFlip()(images))
    stem = x
    x = x - 0.5 * conv(x, 4, activation=layers.LeakyReLU(0.1))
    x = layers.Average()([x, 1 - conv(x, 4), layers.ReLU()(x)])
    factors = np.array([0.5, 2, -1, 1], "float32")
    x = layers.Subtract()([conv(x, 4, 1) * factors, -x / 3])
    y = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    y = layers.Rescaling(list(range(1, 9)), offset=0.5)(y)
    x = keras.ops.concatenate([y, keras.activations.hard_tanh(x)], axis=-1)
    x = sum([DropPath()(conv(x, 4, 1)), stem])
    model = trained_like(keras.Model(images, head(x)))
    plain, _ = convert(model)
    # Factors behind a kernel are in it.
    kinds = [
        block.kind
        for layer in plain.layers
        if isinstance(layer, CarryConv2D)
        for block in layer.blocks
    ]
    assert kinds.count("scale") == 4


def test_the_source_is_untouched():
    model = network([("basic", 6, 2)])
    before = [layer.output for layer in model.layers]
    config, weights = model.to_json(), model.get_weights()
    plain, _ = from_residual(model, name="chain")
    for weight in plain.weights:
        weight.assign(np.zeros(weight.shape))
    assert model.to_json() == config
    for now, then in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)
    assert [layer.output for layer in model.layers] == before
    assert plain.name == "chain" and not plain.compiled


def test_a_chain_saves_and_loads(tmp_path):
    model = network([("inverted", 4, 1), ("basic", 6, 2)])
    plain, _ = convert(model)
    plain.save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(images)),
        keras.ops.convert_to_numpy(plain(images)),
    )


@pytest.mark.torch_only
def test_converting_twice_is_converting_once():
    model = network([("basic", 6, 2)])
    once, _ = from_residual(model)
    twice, certificate = from_residual(once)
    assert certificate.exact and twice.to_json() == once.to_json()
