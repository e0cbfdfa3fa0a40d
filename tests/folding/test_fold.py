import keras
import numpy as np
import pytest
from folding import (
    folded_equals,
    images,
    names,
    outputs_of,
    randomize,
)
from harness import CHANNELS_FIRST_WORKS, INTERNAL_PATHS
from keras import layers

from keras_pnnh.applications.plain_resnet import VARIANTS, PlainResNet
from keras_pnnh.auditing import audit
from keras_pnnh.folding import fold
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import Coder, PlainConv2D, SharedKernel

NORMS = ("learner", "sum", "kernel", None)
POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)


def small(**kwargs):
    """Two stages; the second one widens and has a stride of 2."""
    arguments = {
        "input_shape": (8, 8, 3),
        "classifier_activation": None,
        **kwargs,
    }
    return PlainResNet((1, 2), (4, 6), **arguments)


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(
            name,
            marks=[pytest.mark.slow, pytest.mark.full_only]
            if sum(VARIANTS[name]["blocks_per_stage"]) > 25
            else pytest.mark.torch_only,
        )
        for name in sorted(VARIANTS)
    ],
)
def test_every_variant_keeps_its_logits(variant):
    numbers = dict(VARIANTS[variant])
    size = 8
    if numbers.get("stem") == "7x7_pool":
        size, numbers["filters_per_stage"] = 64, (4, 8, 8, 16)
    model = PlainResNet(
        **numbers,
        input_shape=(size, size, 3),
        classifier_activation=None,
    )
    folded = folded_equals(model, images(2, size, size, 3))
    assert audit(folded).plain


@pytest.mark.parametrize("size", [(8, 10), (9, 11)])
@pytest.mark.parametrize("norm", ["learner", "kernel"])
@pytest.mark.parametrize("internal_path", INTERNAL_PATHS)
def test_every_path_and_norm_keeps_its_logits(internal_path, norm, size):
    model = small(
        internal_path=internal_path, norm=norm, input_shape=(*size, 3)
    )
    folded_equals(model, images(2, *size, 3))


@pytest.mark.parametrize("norm", ["learner", "kernel"])
def test_feature_maps_of_open_size(norm):
    model = small(norm=norm, include_top=False, input_shape=(None, None, 3))
    folded = folded_equals(model, images(2, 9, 12, 3))
    assert folded.output_shape == model.output_shape


@pytest.mark.skipif(
    not CHANNELS_FIRST_WORKS,
    reason="TensorFlow convolves channels first on a GPU only",
)
@pytest.mark.parametrize("norm", ["learner", "kernel"])
def test_channels_first(norm):
    model = small(
        norm=norm, input_shape=(3, 8, 9), data_format="channels_first"
    )
    folded_equals(model, images(2, 3, 8, 9))


def test_mixed_precision():
    model = small(dtype="mixed_bfloat16")
    folded = folded_equals(model, images(2, 8, 8, 3), rtol=0.05)
    policy = folded.get_layer("stage1_block1_conv1").dtype_policy
    assert policy.name == "mixed_bfloat16"
    assert folded.get_layer("head").dtype_policy.name == "float32"


def test_the_folded_chain_is_standard_keras(tmp_path):
    model = small()
    randomize(model)
    model.compile("sgd", "mse")
    folded = fold(model)
    assert not folded.compiled
    assert folded.name == model.name
    assert fold(model, name="chain").name == "chain"
    assert "keras_pnnh" not in folded.to_json()
    assert names(folded) == [
        "images",
        "preprocessing",
        "stem_conv",
        "stem_relu",
        "stage1_block1_conv1",
        "stage1_block1_relu1",
        "stage1_block1_conv2",
        "stage1_block1_relu2",
        "stage2_block1_conv1_pad",
        "stage2_block1_conv1",
        "stage2_block1_relu1",
        "stage2_block1_conv2",
        "stage2_block1_relu2",
        "stage2_block2_conv1",
        "stage2_block2_relu1",
        "stage2_block2_conv2",
        "stage2_block2_relu2",
        "pool",
        "head",
    ]
    convolution = folded.get_layer("stage2_block1_conv1")
    assert type(convolution) is layers.Conv2D
    assert (convolution.padding, convolution.use_bias) == ("valid", True)
    assert folded.get_layer("stem_conv").padding == "same"
    folded.save(tmp_path / "folded.keras")
    loaded = keras.models.load_model(tmp_path / "folded.keras")
    x = images(2, 8, 8, 3)
    np.testing.assert_array_equal(outputs_of(loaded, x), outputs_of(folded, x))


def test_a_folded_twin_keeps_its_shortcuts(tmp_path):
    folded = fold(small(internal_path="residual"))
    assert "stage2_block1_shortcut" in names(folded)
    folded.save(tmp_path / "twin.keras")
    loaded = keras.models.load_model(tmp_path / "twin.keras")
    x = images(2, 8, 8, 3)
    np.testing.assert_array_equal(outputs_of(loaded, x), outputs_of(folded, x))


def test_the_original_is_untouched():
    model = small()
    randomize(model)
    before, config = list(map(to_numpy, model.weights)), model.to_json()
    folded = fold(model)
    for weight in folded.weights:
        weight.assign(np.zeros(weight.shape))
    for now, then in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(to_numpy(now), then)
    assert model.to_json() == config
    assert model.get_layer("stage1_block1_relu1").output is not None


@pytest.mark.torch_only
def test_folding_twice_is_folding_once():
    once = fold(small())
    twice = fold(once)
    assert names(twice) == names(once)
    x = images(2, 8, 8, 3)
    np.testing.assert_array_equal(outputs_of(twice, x), outputs_of(once, x))
    assert not set(map(id, twice.weights)) & set(map(id, once.weights))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("code_filters", [2, 9])
@pytest.mark.parametrize(("kernel_size", "strides"), [(1, 2), (5, 3), (3, 1)])
def test_codes_kernels_and_strides(norm, code_filters, kernel_size, strides):
    """The code is narrower or wider than the stage."""
    coder = Coder(6, code_filters, initializer="random", name="coder")
    x = keras.Input((10, 11, 4), name="x")
    y = PlainConv2D(9, kernel_size, strides, norm, name="first")(
        x, coder(x, part="encoder")
    )
    y = layers.ReLU()(y)
    y = PlainConv2D(7, kernel_size, norm=norm, name="second")(
        y, coder_kernel=coder(y, part="decoder")
    )
    folded = folded_equals(keras.Model(x, y), images(2, 10, 11, 4))
    padded = strides > 1 and kernel_size > 1
    assert ("first_pad" in names(folded)) == padded


def with_norm(convolution, shape=(7, 8, 4), **norm_arguments):
    x = keras.Input(shape, name="x")
    y = layers.BatchNormalization(name="norm", **norm_arguments)(convolution(x))
    return keras.Model(x, layers.ReLU(name="relu")(y))


@pytest.mark.torch_only
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (layers.Conv2D, {"filters": 6, "strides": 2, "padding": "same"}),
        (layers.Conv2D, {"filters": 6, "groups": 2}),
        (layers.Conv2D, {"filters": 6, "dilation_rate": 2}),
        (layers.DepthwiseConv2D, {"depth_multiplier": 3, "padding": "same"}),
        (layers.DepthwiseConv2D, {"strides": 2}),
    ],
)
def test_a_norm_folds_into_the_convolution_before_it(
    layer, arguments, use_bias, scale
):
    convolution = layer(
        kernel_size=3,
        use_bias=use_bias,
        bias_initializer="random_normal",
        name="conv",
        **arguments,
    )
    model = with_norm(convolution, scale=scale, center=not scale)
    folded = folded_equals(model, images(2, 7, 8, 4))
    assert names(folded) == ["x", "conv", "relu"]
    assert type(folded.layers[1]) is layer


def test_a_plain_convolution_absorbs_a_norm_behind_it():
    model = with_norm(PlainConv2D(5, name="conv"))
    folded = folded_equals(model, images(2, 7, 8, 4))
    assert names(folded) == ["x", "conv", "relu"]


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("convolution", "norm_arguments"),
    [
        (layers.Conv2D(4, 1, activation="relu", name="conv"), {}),
        (layers.Conv2D(4, 1, name="conv"), {"axis": 1}),
        (layers.Dense(4, name="conv"), {}),
    ],
)
def test_a_norm_that_does_not_fit_stays(convolution, norm_arguments):
    model = with_norm(convolution, **norm_arguments)
    folded = folded_equals(model, images(2, 7, 8, 4))
    assert names(folded) == ["x", "conv", "norm", "relu"]


def with_pooling(*poolings, **norm_arguments):
    x = keras.Input((9, 9, 4), name="x")
    y = layers.Conv2D(4, 3, name="conv")(x)
    for pooling in poolings:
        y = pooling(y)
    y = layers.BatchNormalization(name="norm", **norm_arguments)(y)
    return keras.Model(x, layers.ReLU(name="relu")(y))


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("poolings", "scale", "gone"),
    [
        ([layers.MaxPooling2D], 1, True),
        ([layers.MaxPooling2D], None, True),
        ([layers.MaxPooling2D], -1, False),  # the largest becomes the smallest
        ([layers.MaxPooling2D], 0, False),
        ([layers.AveragePooling2D], -1, True),
        ([layers.MaxPooling2D, layers.AveragePooling2D], 1, True),
        ([layers.MaxPooling2D, layers.AveragePooling2D], -1, False),
        ([layers.ReLU], 1, False),
    ],
)
def test_a_norm_behind_a_pooling_folds_while_it_commutes(poolings, scale, gone):
    made = [new(2) if new in POOLINGS else new() for new in poolings]
    model = with_pooling(*made, scale=scale is not None)
    folded_equals(model, images(2, 9, 9, 4))  # moves the statistics
    if scale is not None:
        gamma = model.get_layer("norm").gamma
        gamma.assign([1, 2, 0.5, scale])
    folded = fold(model)
    x = images(2, 9, 9, 4)
    np.testing.assert_allclose(
        outputs_of(folded, x), outputs_of(model, x), rtol=1e-4, atol=1e-4
    )
    assert ("norm" not in names(folded)) == gone


@pytest.mark.torch_only
def test_a_norm_behind_zeros_that_are_averaged_stays():
    model = with_pooling(layers.AveragePooling2D(2, 2, "same"))
    folded = folded_equals(model, images(2, 9, 9, 4))
    assert "norm" in names(folded)


@pytest.mark.torch_only
def test_a_norm_whose_convolution_is_read_elsewhere_stays():
    x = keras.Input((6, 6, 4), name="x")
    y = layers.Conv2D(4, 3, name="conv")(x)
    z = layers.BatchNormalization(name="norm")(y)
    for model in (
        keras.Model(x, [z, y]),
        keras.Model(x, layers.Add()([z, layers.ReLU()(y)])),
    ):
        folded = folded_equals(model, images(2, 6, 6, 4))
        assert "norm" in names(folded)


@pytest.mark.torch_only
def test_a_norm_in_training_stays():
    x = keras.Input((6, 6, 4), name="x")
    y = layers.Conv2D(4, 3, name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y, training=True)
    folded = folded_equals(keras.Model(x, y), images(2, 6, 6, 4))
    assert "norm" in names(folded)


@pytest.mark.torch_only
def test_a_norm_behind_two_convolutions_and_two_norms_behind_one_stay():
    x = keras.Input((6, 6, 4), name="x")
    norm = layers.BatchNormalization(name="norm")
    first, second = (layers.Conv2D(4, 3, name=f"conv{i}") for i in (1, 2))
    y = layers.Concatenate()([norm(first(x)), norm(second(x))])
    folded = folded_equals(keras.Model(x, y), images(2, 6, 6, 4))
    assert "norm" in names(folded)

    shared = layers.Conv2D(4, 3, name="conv")
    norms = [layers.BatchNormalization(name=f"norm{i}") for i in (1, 2)]
    y = layers.Concatenate()([norm(shared(x)) for norm in norms])
    folded = folded_equals(keras.Model(x, y), images(2, 6, 6, 4))
    assert {"norm1", "norm2"} < set(names(folded))


@pytest.mark.parametrize("norm", NORMS)
def test_a_shared_layer_is_one_convolution_for_each_coder_matrix(norm):
    coder = Coder(4, name="coder")
    shared = PlainConv2D(4, norm=norm, name="shared")
    x = y = keras.Input((6, 6, 4), name="x")
    for part in ("encoder", "decoder", "encoder"):
        y = layers.ReLU()(shared(y, coder(y, part=part)))
    folded = folded_equals(keras.Model(x, y), images(2, 6, 6, 4))
    convolutions = [n for n in names(folded) if n.startswith("shared")]
    assert convolutions == ["shared", "shared_1"]


def block(filters, name):
    x = keras.Input((6, 6, 4))
    y = layers.Conv2D(filters, 3, padding="same", name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y)
    return keras.Model(x, layers.ReLU(name="relu")(y), name=name)


@pytest.mark.torch_only
def test_nested_models_are_flattened():
    """One is called twice; both have layers of the same names."""
    first, second = block(4, "first"), block(5, "second")
    x = keras.Input((6, 6, 4), name="x")
    model = keras.Model(x, second(first(first(x))))
    folded = folded_equals(model, images(2, 6, 6, 4))
    assert names(folded) == ["x", "conv", "relu", "conv_1", "relu_1"]
    assert len(folded.weights) == 4


@pytest.mark.torch_only
def test_extra_layers_operations_and_structures():
    normalization = layers.Normalization(name="normalization")
    normalization.adapt(images(8, 8, 8, 3))
    x = keras.Input((8, 8, 3), name="x")
    backbone = small(include_top=False, preprocessing="none")
    features = backbone(normalization(x), training=False)
    pooled = keras.ops.mean(features, axis=(1, 2))
    model = keras.Model(
        {"x": x}, {"a": layers.Dense(3)(pooled) + 1, "b": pooled * 2}
    )
    folded_equals(model, {"x": images(2, 8, 8, 3)})


@pytest.mark.torch_only
def test_a_sequential_model():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(3, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(),
        ]
    )
    folded = folded_equals(model, images(2, 6, 6, 4))
    assert names(folded)[1:] == ["conv"]


@pytest.mark.torch_only
def test_a_reconstructing_coder_is_a_layer_like_any_other():
    coder = Coder(4, 3, name="coder")
    x = keras.Input((6, 6, 4), name="x")
    y = PlainConv2D(4, name="conv")(x, coder(x, part="encoder"))
    model = keras.Model(x, coder(y))
    folded = folded_equals(model, images(2, 6, 6, 4))
    assert names(folded) == ["x", "conv", "coder"]


@pytest.mark.torch_only
def test_a_matrix_from_elsewhere_is_refused():
    x = keras.Input((6, 6, 4), name="x")
    matrix = keras.Input(batch_shape=(4, 4), name="matrix")
    y = PlainConv2D(4, name="conv")(x, matrix)
    with pytest.raises(ValueError, match="from a `Coder` or.*layer 'conv'"):
        fold(keras.Model([x, matrix], y))


def test_a_shared_kernel_is_written_out_for_every_layer():
    coder, shared = Coder(4, name="coder"), SharedKernel(4, 4, name="kernel")
    x = y = keras.Input((6, 6, 3), name="x")
    for number in (1, 2):
        layer = PlainConv2D(4, name=f"conv{number}")
        y = layer(y, coder(y, part="encoder"), shared(y))
        y = layers.ReLU(name=f"relu{number}")(y)
    model = keras.Model(x, y)
    folded = folded_equals(model, images(2, 6, 6, 3))
    assert names(folded) == ["x", "conv1", "relu1", "conv2", "relu2"]


@pytest.mark.torch_only
def test_a_kernel_from_elsewhere_or_used_elsewhere_is_refused():
    shared = SharedKernel(4, 4, name="kernel")
    x = keras.Input((6, 6, 4))
    y = PlainConv2D(4, name="conv")(x, learner_kernel=2 * shared(x))
    with pytest.raises(ValueError, match="the kernel of 'kernel' in layer"):
        fold(keras.Model(x, y))
    other = keras.Input(batch_shape=(3, 3, 4, 4))
    y = PlainConv2D(4, name="conv")(x, learner_kernel=other)
    with pytest.raises(ValueError, match="or a `SharedKernel`.*'conv'"):
        fold(keras.Model([x, other], y))


@pytest.mark.torch_only
def test_a_matrix_used_elsewhere_is_refused():
    coder = Coder(4, name="coder")
    x = keras.Input((6, 6, 4), name="x")
    matrix = coder(x, part="encoder")
    y = layers.ReLU(name="relu")(matrix)
    with pytest.raises(ValueError, match="encoder of 'coder' in layer"):
        fold(keras.Model(x, y))
    with pytest.raises(ValueError, match="outputs of model 'mine'"):
        fold(keras.Model(x, matrix, name="mine"))


@pytest.mark.torch_only
def test_a_norm_with_the_statistics_of_the_batch_is_refused():
    x = keras.Input((6, 6, 4), name="x")
    y = PlainConv2D(4, name="conv")(x, training=True)
    with pytest.raises(ValueError, match="'conv' called with training=True"):
        fold(keras.Model(x, y))


@pytest.mark.torch_only
def test_a_model_without_a_graph_is_refused():
    with pytest.raises(ValueError, match="which has none"):
        fold(keras.Sequential([layers.Dense(3)]))
