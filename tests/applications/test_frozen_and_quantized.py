"""What is frozen or quantised stays so through every way of saving."""

import pickle

import keras
import numpy as np
import pytest
from test_constructors import MOBILENET, RESNET, VIT

import keras_pnnh
from keras_pnnh.applications import PlainMobileNet, PlainResNet, PlainViT
from keras_pnnh.layers import PlainAttention, PlainConv2D
from keras_pnnh.training import freeze


def through_file(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def through_json(model, folder):
    return keras.models.model_from_json(model.to_json())


def through_pickle(model, folder):
    return pickle.loads(pickle.dumps(model))


def through_clone(model, folder):
    return keras.models.clone_model(model)


def through_config(model, folder):
    return type(model).from_config(model.get_config())


WAYS = [
    through_file,
    through_json,
    through_pickle,
    through_clone,
    through_config,
]


def first_stages(model):
    freeze(model, until="stage2")


def norms_too(model):
    freeze(model, until="stage2", norms=True)


def one_layer(model):
    model.get_layer("stage1_block1_conv2").trainable = False


def everything(model):
    model.trainable = False


def everything_but_the_head(model):
    for layer in model.layers[:-1]:
        layer.trainable = False


def head_of_a_frozen_model(model):
    model.trainable = False
    model.get_layer("head").trainable = True


def nothing(model):
    pass


FREEZINGS = [
    first_stages,
    norms_too,
    one_layer,
    everything,
    everything_but_the_head,
    head_of_a_frozen_model,
    nothing,
]


def flags(model):
    """Whether a model, its layers and their norms are to be trained."""
    found = {"": model.trainable}
    for layer in model.layers:
        found[layer.name] = layer.trainable
        norm = getattr(layer, "batch_norm", None)
        if norm is not None:
            found[f"{layer.name}/norm"] = norm.trainable
    return found


def trained(model):
    return [variable.shape for variable in model.trainable_variables]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("freezing", FREEZINGS)
def test_frozen_stays_frozen(freezing, way, tmp_path):
    model = PlainResNet(**RESNET)
    freezing(model)
    if way is through_clone and freezing is head_of_a_frozen_model:
        pytest.skip("Keras clones layers, and not the flag of the model.")
    loaded = way(model, tmp_path)
    assert trained(loaded) == trained(model)
    if way is not through_clone:
        assert flags(loaded) == flags(model)


@pytest.mark.parametrize("freezing", FREEZINGS)
def test_a_config_names_what_is_frozen_alone(freezing):
    model = PlainResNet(**RESNET)
    freezing(model)
    said = "frozen" in model.get_config()
    assert said == (freezing not in (everything, nothing))


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("family", "numbers", "until"),
    [
        (PlainMobileNet, MOBILENET, "stage2"),
        (PlainViT, VIT, "norm"),
        (PlainResNet, {**RESNET, "internal_path": "residual"}, "stage2"),
        (PlainResNet, {**RESNET, "internal_path": "pass_through"}, "head"),
    ],
)
def test_every_family(family, numbers, until, tmp_path):
    model = family(**numbers)
    freeze(model, until=until)
    for way in WAYS:
        loaded = way(model, tmp_path)
        assert flags(loaded) == flags(model)
        assert trained(loaded) == trained(model)


@pytest.mark.every_backend
def test_the_optimizer_goes_on_where_it_was(images, tmp_path):
    labels = np.arange(len(images)) % 3
    model = PlainResNet(**RESNET)
    freeze(model, until="stage2", norms=True)
    model.compile(
        keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy"
    )
    model.fit(images, labels, verbose=0)
    loaded = through_file(model, tmp_path)
    saved = model.optimizer.variables
    assert len(loaded.optimizer.variables) == len(saved)
    for mine, theirs in zip(loaded.optimizer.variables, saved, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(theirs)
        )
    stem = loaded.get_layer("stem_conv")
    before = [weight.copy() for weight in stem.get_weights()]
    loaded.fit(images, labels, verbose=0)
    for old, new in zip(before, stem.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_backbone_inside_another_model(tmp_path):
    backbone = PlainResNet(**{**RESNET, "include_top": False})
    freeze(backbone, until="stage2_block1_conv2")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            backbone,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    for way in WAYS:
        loaded = way(model, tmp_path)
        assert flags(loaded.layers[0]) == flags(backbone)
        assert trained(loaded) == trained(model)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("inside", [False, True])
def test_layers_in_a_model_of_ones_own(inside, way, tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = PlainConv2D(4, name="conv")(inputs)
    x = keras.layers.Reshape((64, 4))(x)
    outputs = PlainAttention(2, name="attention")(x)
    model = keras.Model(inputs, outputs)
    conv, attention = model.get_layer("conv"), model.get_layer("attention")
    if inside:
        conv.batch_norm.trainable = False
        attention.query.trainable = False
    else:
        conv.trainable = attention.trainable = False
    loaded = way(model, tmp_path)
    assert trained(loaded) == trained(model)
    # A frozen layer whose norm is not would still move its statistics.
    assert not loaded.get_layer("conv").batch_norm.trainable
    assert loaded.get_layer("conv").trainable == inside
    assert not loaded.get_layer("attention").query.trainable
    assert loaded.get_layer("attention").value.trainable == inside


def test_weight_files_do_not_depend_on_what_is_frozen(tmp_path):
    model = PlainResNet(**RESNET)
    freeze(model, until="stage2")
    path = tmp_path / "frozen.weights.h5"
    keras_pnnh.save_weights(model, path)
    loaded = keras_pnnh.from_weights(path)
    assert all(flags(loaded).values())
    for mine, theirs in zip(
        loaded.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("frozen", ["stem_conv", [1], None, {"a": 1}])
def test_a_wrong_list_of_frozen_layers(frozen):
    config = {**PlainResNet(**RESNET).get_config(), "frozen": frozen}
    with pytest.raises(ValueError, match="`frozen` of .* Received: frozen="):
        PlainResNet.from_config(config)


# Keras says so of every layer that it does not quantise.
SKIPPED = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quant")


@pytest.mark.slow
@SKIPPED
@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("family", "numbers", "mode"),
    [
        (PlainResNet, RESNET, "int8"),
        (PlainResNet, RESNET, "int4"),
        (PlainMobileNet, MOBILENET, "int8"),
        (PlainViT, VIT, "int8"),
    ],
)
def test_a_quantized_model_loads_again(family, numbers, mode, images, tmp_path):
    for make in (family, lambda **kwargs: keras_pnnh.fold(family(**kwargs))):
        model = make(**numbers)
        model.quantize(mode)
        assert model.get_layer("head").quantization_mode == mode
        expected = model.predict(images, verbose=0)
        for way in (through_file, through_pickle):
            loaded = way(model, tmp_path)
            assert loaded.get_layer("head").quantization_mode == mode
            np.testing.assert_array_equal(
                loaded.predict(images, verbose=0), expected
            )


@pytest.mark.every_backend
@SKIPPED
def test_a_frozen_quantized_model_with_an_explicit_configuration(
    images, tmp_path
):
    model = PlainResNet(**RESNET)
    quantizer = keras.quantizers.AbsMaxQuantizer(axis=0, value_range=(-99, 99))
    config = keras.quantizers.Int8QuantizationConfig(weight_quantizer=quantizer)
    model.quantize(config=config)
    freeze(model, until="head")
    loaded = through_file(model, tmp_path)
    assert flags(loaded) == flags(model)
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    with pytest.raises(ValueError, match="Received: 'plain_.*quantised. Save"):
        keras_pnnh.save_weights(model, tmp_path / "q.weights.h5")
