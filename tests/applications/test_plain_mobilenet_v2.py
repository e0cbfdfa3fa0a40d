import inspect

import keras
import numpy as np
import pytest
from families import FAMILIES
from harness import (
    check_gradients,
    kernels_from_numpy,
    randomize,
    to_numpy,
)

from keras_pnnh import create_model, list_models, save_weights
from keras_pnnh.applications import PlainMobileNet, PlainMobileNetV2
from keras_pnnh.layers import Coder, PlainConv2D, PlainDepthwiseConv2D
from keras_pnnh.weights.loader import load

FAMILY = FAMILIES["plain_mobilenet_v2"]
TINY = {**FAMILY.numbers, "input_shape": (8, 8, 3)}

# All parameters of the residual twin, which are those of
# `keras.applications.MobileNetV2(alpha)`, and of the coder network.
PARAMETERS = {
    "plain_mobilenet_v2_035": (0.35, 1_691_208, 1_765_808),
    "plain_mobilenet_v2_050": (0.5, 1_987_224, 2_136_440),
    "plain_mobilenet_v2_075": (0.75, 2_663_064, 2_994_432),
    "plain_mobilenet_v2_100": (1.0, 3_538_984, 4_122_200),
    "plain_mobilenet_v2_130": (1.3, 5_431_048, 6_412_960),
    "plain_mobilenet_v2_140": (1.4, 6_156_712, 7_294_752),
}
# Without moving statistics, of the public checkpoints (HWIO or OIHW alike).
TRAINABLE = {
    "plain_mobilenet_v2_100": 3_504_872,
    "plain_mobilenet_v2_140": 6_108_776,
}


def randomize_norms(model, seed=0):
    """Random statistics; kernels keep a scale that keeps the signal finite."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, width))
            layer.beta.assign(rng.normal(0, 0.2, width))
            layer.moving_mean.assign(rng.normal(0, 0.2, width))
            layer.moving_variance.assign(rng.uniform(0.5, 2.0, width))


def silence_learners(model):
    """Zero kernels between stem and last convolution; the coders remain."""
    for layer in model.layers:
        if isinstance(layer, (PlainConv2D, PlainDepthwiseConv2D)):
            if layer.name not in ("stem_conv", "last_conv"):
                layer.kernel.assign(np.zeros(layer.kernel.shape))


@pytest.mark.torch_only
@pytest.mark.parametrize("variant", PARAMETERS)
def test_parameter_counts(variant):
    alpha, twin_count, coder_count = PARAMETERS[variant]
    with kernels_from_numpy():
        twin = create_model(variant, internal_path="residual")
        network = create_model(variant)
    assert network.count_params() == coder_count
    assert twin.name == variant
    assert twin.get_config()["alpha"] == alpha
    assert twin.count_params() == twin_count
    if variant in TRAINABLE:
        trainable = sum(
            int(np.prod(weight.shape)) for weight in twin.trainable_weights
        )
        assert trainable == TRAINABLE[variant]
    kinds = [type(layer) for layer in twin.layers]
    assert kinds.count(PlainDepthwiseConv2D) == 17
    assert kinds.count(PlainConv2D) == 35
    assert kinds.count(keras.layers.Add) == 10


@pytest.mark.torch_only
def test_the_catalog_names_the_usual_widths():
    assert list_models("plain_mobilenet_v2_*") == list(PARAMETERS)
    rule = "says its width.*Received: alpha=1.0. Leave it out"
    with pytest.raises(ValueError, match=rule):
        create_model("plain_mobilenet_v2_140", alpha=1.0)


@pytest.fixture(scope="module")
def twin():
    """The whole network, with random statistics and any size of image."""
    with kernels_from_numpy():
        model = PlainMobileNetV2(
            (None, None, 3),
            internal_path="residual",
            preprocessing="none",
            classifier_activation=None,
            classes=7,
        )
    randomize_norms(model)
    return model


def test_the_twin_equals_keras_applications(twin):
    """At sizes that stay odd, where both pad symmetrically."""
    with kernels_from_numpy():
        theirs = keras.applications.MobileNetV2(
            (33, 33, 3), weights=None, classes=7, classifier_activation=None
        )
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    convolutions = [layer for layer in theirs.layers if type(layer) in kinds]
    norms = [
        layer
        for layer in theirs.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    kinds = (PlainConv2D, PlainDepthwiseConv2D)
    ours = [layer for layer in twin.layers if isinstance(layer, kinds)]
    assert len(ours) == len(convolutions) == len(norms) == 52
    for mine, convolution, norm in zip(ours, convolutions, norms, strict=True):
        convolution.set_weights([to_numpy(mine.kernel)])
        *rest, variance = map(to_numpy, mine.batch_norm.weights)
        # They add 1e-3 to the variance, torch and we 1e-5.
        shifted = variance + mine.batch_norm.epsilon - norm.epsilon
        norm.set_weights([*rest, shifted])
    theirs.layers[-1].set_weights(twin.get_layer("head").get_weights())
    x = np.random.default_rng(0).uniform(-1, 1, (2, 33, 33, 3))
    x = x.astype("float32")
    expected = theirs.predict(x, verbose=0)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        twin.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-4 * scale
    )
    assert np.abs(expected[0] - expected[1]).max() > 0.01 * scale


def test_the_twin_equals_numpy(twin):
    """The rules of public torch checkpoints, written once more in NumPy.

    At an even size, where symmetric padding and Keras's "same" differ.
    """
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3))
    x = x.astype("float32")
    clipped = []
    expected = numpy_mobilenet_v2(twin, x.astype("float64"), clipped)
    assert np.mean(clipped) > 0.001  # ReLU in place of ReLU6 would fail
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        twin.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-4 * scale
    )


def numpy_mobilenet_v2(model, x, clipped):
    def norm(x, layer):
        gamma, beta, mean, variance = (
            np.array(to_numpy(weight), "float64")
            for weight in layer.batch_norm.weights
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    def pointwise(x, name):
        layer = model.get_layer(name)
        return norm(x @ np.array(to_numpy(layer.kernel))[0, 0], layer)

    def spatial(x, name, stride, subscripts):
        layer = model.get_layer(name)
        x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
        windows = windows[:, ::stride, ::stride]
        kernel = np.array(to_numpy(layer.kernel), "float64")
        return norm(np.einsum(subscripts, windows, kernel), layer)

    def relu6(x):
        clipped.append((x > 6).mean())
        return np.clip(x, 0, 6)

    x = relu6(spatial(x, "stem_conv", 2, "bhwcij,ijcf->bhwf"))
    for stage, (filters, repeats, stride) in enumerate(
        [
            (16, 1, 1),
            (24, 2, 2),
            (32, 3, 2),
            (64, 4, 2),
            (96, 3, 1),
            (160, 3, 2),
            (320, 1, 1),
        ],
        1,
    ):
        for block in range(1, repeats + 1):
            name = f"stage{stage}_block{block}"
            y = x
            if stage > 1:
                y = relu6(pointwise(x, f"{name}_expand"))
            y = relu6(
                spatial(y, f"{name}_depthwise", stride, "bhwcij,ijcd->bhwc")
            )
            y = pointwise(y, f"{name}_project")
            assert y.shape[-1] == filters
            x = x + y if block > 1 else y
            stride = 1
    x = relu6(pointwise(x, "last_conv")).mean((1, 2))
    kernel, bias = map(to_numpy, model.get_layer("head").weights)
    return x @ kernel + bias


@pytest.mark.parametrize("amplitude", [1.0, 5.0])
def test_carries_a_signed_signal_through_all_blocks(amplitude, images):
    """With silent learners the chain only subsamples, within the bound."""
    model = PlainMobileNet(**TINY)
    silence_learners(model)
    first = model.get_layer("stage1_block1_project")
    first.kernel.assign(0.5 * np.eye(8)[None, None])
    first.batch_norm.gamma.assign(np.full(8, amplitude))
    first.batch_norm.moving_mean.assign(np.full(8, 0.5))
    first.batch_norm.moving_variance.assign(np.full(8, 0.1))
    depthwise = model.get_layer("stage1_block1_depthwise")
    kernel = np.zeros((3, 3, 8, 1))
    kernel[1, 1] = 1
    depthwise.kernel.assign(kernel)
    names = ["stage1_block1_project", "stage2_block2_project"]
    names += ["stage3_block2_project"]
    probe = keras.Model(model.input, [model.get_layer(n).output for n in names])
    signal, same, half = map(to_numpy, probe(images))
    assert signal.min() < -1
    assert (np.abs(signal).max() > 6) == (amplitude == 5.0)
    expected = np.clip(signal, -6, 6)
    assert (np.abs(signal - expected).max() > 0) == (amplitude == 5)
    np.testing.assert_allclose(same, expected, atol=1e-5)
    np.testing.assert_allclose(half[..., :8], expected[:, ::2, ::2], atol=1e-5)
    np.testing.assert_array_equal(half[..., 8:], 0)


@pytest.mark.parametrize(
    ("internal_path", "coder_training"),
    [
        ("coder", "frozen"),
        ("coder", "scaled"),
        ("residual", "frozen"),
        ("none", "frozen"),
    ],
)
def test_every_trainable_variable_has_a_gradient(
    internal_path, coder_training, images
):
    model = PlainMobileNet(
        **TINY, internal_path=internal_path, coder_training=coder_training
    )
    check_gradients(model, [images])
    names = [variable.path for variable in model.trainable_variables]
    trained = [name for name in names if "coder/" in name]
    expected = internal_path == "coder" and coder_training != "frozen"
    assert len(trained) == (4 if expected else 0)


@pytest.mark.torch_only
def test_coders_are_as_wide_as_pairs_need():
    model = PlainMobileNet(**TINY, coder_training="scaled")
    coders = [layer for layer in model.layers if isinstance(layer, Coder)]
    assert [coder.name for coder in coders] == ["stage2_coder", "stage3_coder"]
    assert [coder.code_filters for coder in coders] == [16, 32]
    assert [coder.gradient_scale for coder in coders] == [0.5, 0.5]
    assert coders[0].get_config()["activation"] == "relu6"
    # What it is measured on reaches 6 in one of 500 million channels.
    assert coders[0].reconstruction_error(samples=256) < 1e-12


@pytest.mark.torch_only
def test_gains_reach_the_layers_with_a_coder():
    model = PlainMobileNet(**TINY)
    gammas = {
        layer.name: to_numpy(layer.batch_norm.gamma)[0]
        for layer in model.layers
        if isinstance(layer, (PlainConv2D, PlainDepthwiseConv2D))
    }
    for name, gamma in gammas.items():
        alone = name.startswith(("stem", "stage1", "last"))
        assert gamma == pytest.approx(1.0 if alone else 0.3), name


@pytest.mark.torch_only
def test_intermediate_tensors_are_reachable_by_name():
    model = PlainMobileNet(**TINY, dropout_rate=0.1)
    names = ["images", "preprocessing", "stem_conv", "stem_relu"]
    names += [f"stage1_block1_{p}" for p in ("depthwise", "relu2", "project")]
    for stage, block in ((2, 1), (2, 2), (3, 1), (3, 2)):
        names += [
            f"stage{stage}_block{block}_{part}"
            for part in ("expand", "relu1", "depthwise", "relu2", "project")
        ]
    names += ["stage2_coder", "stage3_coder"]
    names += ["last_conv", "last_relu", "pool", "dropout", "head"]
    assert sorted(layer.name for layer in model.layers) == sorted(names)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("stem", "size", "sizes"),
    [("3x3_stride2", 65, (33, 33, 17, 9, 5)), ("3x3", 33, (33, 33, 33, 17, 9))],
)
def test_the_small_stem_subsamples_twice_less(stem, size, sizes):
    model = PlainMobileNet(
        (1, 1, 1, 1),
        (8, 8, 8, 8),
        (1, 2, 2, 2),
        8,
        8,
        stem=stem,
        input_shape=(size, size, 1),
        internal_path="residual",
    )
    names = ["stem_relu", *(f"stage{s}_block1_project" for s in (1, 2, 3, 4))]
    reached = tuple(model.get_layer(n).output.shape[1] for n in names)
    assert reached == sizes
    levels = {
        name: tensor.shape[1] for name, tensor in model.pyramid_outputs.items()
    }
    first = {"3x3_stride2": 1, "3x3": 0}[stem]
    lengths = sizes[-4:] if first else sizes[-3:]
    assert levels == {f"P{first + n}": side for n, side in enumerate(lengths)}
    # Equal widths make no skip where a stride is.
    strided = [stem == "3x3_stride2", True, True]
    adds = [
        any(layer.name == f"stage{s}_block1_add" for layer in model.layers)
        for s in (2, 3, 4)
    ]
    assert adds == [not stride for stride in strided]


@pytest.mark.torch_only
@pytest.mark.parametrize("shape", [(9, 11, 1), (8, 13, 4), (None, None, 3)])
@pytest.mark.parametrize("internal_path", ["coder", "residual"])
def test_sizes_and_channels(shape, internal_path):
    model = FAMILY.build(input_shape=shape, internal_path=internal_path)
    for size in ((8, 8), (15, 10)) if shape[0] is None else (shape[:2],):
        images = np.ones((2, *size, shape[2]), "float32")
        np.testing.assert_allclose(
            to_numpy(model(images)).sum(-1), 1, rtol=1e-5
        )


@pytest.mark.torch_only
def test_default_shapes():
    assert PlainMobileNet((1,), (8,), (1,)).input_shape == (None, 224, 224, 3)
    small = PlainMobileNet((1,), (8,), (1,), stem="3x3")
    assert small.input_shape == (None, 32, 32, 3)
    backbone = PlainMobileNet((1,), (8,), (1,), include_top=False)
    assert backbone.input_shape == (None, None, None, 3)


@pytest.mark.torch_only
@pytest.mark.parametrize("pooling", [None, "avg", "max"])
def test_without_the_top(pooling, images):
    whole = PlainMobileNet(**TINY)
    model = PlainMobileNet(**TINY, include_top=False, pooling=pooling)
    randomize(whole, seed=1)
    for layer in model.layers:
        if layer.variables:
            layer.set_weights(whole.get_layer(layer.name).get_weights())
    last = whole.get_layer("last_relu").output
    features = to_numpy(keras.Model(whole.input, last)(images))
    expected = {
        None: features,
        "avg": features.mean((1, 2)),
        "max": features.max((1, 2)),
    }[pooling]
    np.testing.assert_allclose(
        to_numpy(model(images)), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.torch_only
def test_dropout_acts_in_training_and_changes_no_file(tmp_path, images):
    model = PlainMobileNet(**TINY, classifier_activation=None)
    randomize(model, seed=1)
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    dropping = PlainMobileNet(
        **TINY, classifier_activation=None, dropout_rate=0.5
    )
    load(dropping, path)
    expected = to_numpy(model(images))
    np.testing.assert_allclose(to_numpy(dropping(images)), expected, rtol=1e-5)
    probe = keras.Model(dropping.input, dropping.get_layer("dropout").output)
    kept = to_numpy(probe(images)) != 0
    dropped = to_numpy(probe(images, training=True)) == 0
    assert 0.2 < (dropped & kept).sum() / kept.sum() < 0.8
    save_weights(dropping, path)  # training has moved the statistics
    load(model, path)
    np.testing.assert_allclose(
        to_numpy(model(images)), to_numpy(dropping(images)), rtol=1e-5
    )


@pytest.mark.torch_only
def test_constructor_keeps_the_positions_of_keras_applications():
    theirs = inspect.signature(keras.applications.MobileNetV2).parameters
    ours = inspect.signature(PlainMobileNetV2).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for name, parameter in theirs.items():
        # Theirs downloads unless told otherwise; ours takes the classes of
        # the weights.
        if name not in ("weights", "classes"):
            assert ours[name].default == parameter.default
    shallow = {"stem": "3x3", "blocks_per_stage": (1,) * 7}
    with kernels_from_numpy():
        model = PlainMobileNetV2(
            (8, 8, 1), 0.1, False, None, None, "max", 3, None, "mine", **shallow
        )
        unusual = PlainMobileNetV2(alpha=0.125, **shallow)
    assert model.name == "mine"
    assert model.input_shape == (None, 8, 8, 1)
    assert model.output_shape == (None, 1280)
    assert unusual.name == "plain_mobilenet_v2_12_5"


@pytest.mark.torch_only
def test_weights_survive_the_rewiring(tmp_path, images):
    arguments = {
        "alpha": 0.1,
        "stem": "3x3",
        "classes": 3,
        "blocks_per_stage": (1,) * 7,
    }
    path = tmp_path / "model.weights.h5"
    with kernels_from_numpy():
        model = PlainMobileNetV2((8, 8, 3), **arguments)
        randomize_norms(model)
        save_weights(model, path)
        rewired = PlainMobileNetV2(
            weights=path, input_tensor=keras.Input((8, 8, 3)), **arguments
        )
        arguments["alpha"] = 0.2
        with pytest.raises(ValueError, match="alpha: file 0.1, model 0.2"):
            PlainMobileNetV2((8, 8, 3), weights=path, **arguments)
    np.testing.assert_allclose(
        rewired.predict(images, verbose=0),
        model.predict(images, verbose=0),
        rtol=1e-4,
    )


@pytest.mark.torch_only
@pytest.mark.parametrize("alpha", [0, -1.0, "1.0", True, float("nan")])
def test_wrong_widths(alpha):
    with pytest.raises(ValueError, match="`alpha` is a factor.*Received: alp"):
        PlainMobileNetV2(alpha=alpha)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("kwargs", "rule", "received"),
    [
        ({"weights": "imagenet21k"}, "a tag", "weights='imagenet21k'"),
        ({"input_shape": (31, 32, 3)}, "at least 32x32", "input_shape=(31"),
        (
            {"input_shape": (7, 8, 3), "stem": "3x3"},
            "at least 8x8",
            "input_shape=(7, 8, 3)",
        ),
        ({"stem": "7x7_pool"}, "`stem` must be one of ('3x3_str", "stem='7x7"),
        ({"dropout_rate": 1.0}, "less than 1", "dropout_rate=1.0"),
        ({"strides_per_stage": (1, 2)}, "each of the 7", "strides_per_stage"),
        ({"strides_per_stage": (3,) * 7}, "a 1 or a 2", "strides_per_stage"),
        ({"expansion": 0}, "`expansion` must be a pos", "expansion=0"),
        ({"preprocessing": "caffe"}, "one of ('symm", "preprocessing='caffe'"),
        ({"classes": 0}, "positive integer", "classes=0"),
    ],
)
def test_wrong_arguments(kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        PlainMobileNetV2(**kwargs)
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)


@pytest.mark.torch_only
def test_a_code_that_does_not_fit_is_refused():
    rule = r"kernel of 8 input channels and 16 filters. Received.*\(8, 32\)"
    with pytest.raises(ValueError, match=rule):
        PlainMobileNet(**TINY, expansion=2)
