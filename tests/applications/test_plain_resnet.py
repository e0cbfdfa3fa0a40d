import inspect

import keras
import numpy as np
import pytest
from harness import (
    CHANNELS_FIRST_WORKS,
    INTERNAL_PATHS,
    check_gradients,
    randomize,
    to_numpy,
)

from keras_pnnh import applications, audit, fold, from_residual
from keras_pnnh.applications import PlainResNet, PlainResNet20, create_model
from keras_pnnh.applications.plain_resnet import VARIANTS
from keras_pnnh.layers import (
    Coder,
    PlainConv2D,
    SharedKernel,
    ZeroPaddingShortcut,
)

TINY = {
    "blocks_per_stage": (1, 2),
    "filters_per_stage": (4, 8),
    "input_shape": (8, 8, 3),
}

# Trainable parameters of the residual twin and of the plain baseline; those
# of the coder network, all and trainable.
PARAMETERS = {
    "plain_resnet20": (269722, 282522, 270394),
    "plain_resnet32": (464154, 478298, 465274),
    "plain_resnet44": (658586, 674074, 660154),
    "plain_resnet56": (853018, 869850, 855034),
    "plain_resnet110": (1727962, 1750842, 1731994),
}


def expected_parameters(depth):
    """Counted from section 4.2 of arXiv 1512.03385."""
    n = (depth - 2) // 6
    widths = (16, 32, 64)
    kernels = 9 * 3 * 16 + sum(2 * n * 9 * width**2 for width in widths)
    kernels -= 9 * (32 * 16 + 64 * 32)  # the first of a stage reads fewer
    norms = 2 * (16 + sum(2 * n * width for width in widths))
    plain = kernels + norms + 64 * 10 + 10
    scales = sum(2 * n * width for width in widths)
    coders = sum(2 * width**2 for width in widths)
    return plain, plain + norms + scales + coders, plain + scales


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(
            name,
            marks=[pytest.mark.slow] if name == "plain_resnet110" else [],
        )
        for name in sorted(PARAMETERS)
    ],
)
def test_parameter_counts(variant):
    assert expected_parameters(int(variant[12:])) == PARAMETERS[variant]
    plain, coder, coder_trainable = PARAMETERS[variant]
    for internal_path in INTERNAL_PATHS:
        model = create_model(variant, internal_path=internal_path)
        trainable = sum(
            int(np.prod(variable.shape))
            for variable in model.trainable_variables
        )
        with_coder = internal_path == "coder"
        assert trainable == (coder_trainable if with_coder else plain)
        if with_coder:
            assert model.count_params() == coder
        assert model.output_shape == (None, 10)
        assert model.name == variant
        kinds = [type(layer) for layer in model.layers]
        depth = int(variant[12:])
        assert kinds.count(PlainConv2D) == depth - 1
        assert kinds.count(Coder) == (3 if with_coder else 0)
        residual = internal_path == "residual"
        assert kinds.count(ZeroPaddingShortcut) == (2 if residual else 0)
        adds = kinds.count(keras.layers.Add)
        assert adds == ((depth - 2) // 2 if residual else 0)


@pytest.mark.parametrize("coder_training", ["frozen", "scaled", "free"])
@pytest.mark.parametrize("internal_path", INTERNAL_PATHS)
def test_every_trainable_variable_has_a_gradient(
    internal_path, coder_training, images
):
    model = PlainResNet(
        **TINY, internal_path=internal_path, coder_training=coder_training
    )
    check_gradients(model, [images])
    names = [variable.path for variable in model.trainable_variables]
    trained = [name for name in names if "coder/" in name]
    expected = internal_path == "coder" and coder_training != "frozen"
    assert len(trained) == (4 if expected else 0)


def test_scaled_training_divides_by_the_uses():
    model = PlainResNet(**TINY, coder_training="scaled")
    scales = [
        model.get_layer(f"stage{stage}_coder").gradient_scale
        for stage in (1, 2)
    ]
    assert scales == [1.0, 0.5]


def test_the_blocks_of_a_stage_share_a_coder(images):
    model = PlainResNet(
        (2, 1),
        (4, 6),
        input_shape=(8, 8, 3),
        coder_training="scaled",
        code_ratio=0.5,
    )
    coders = [layer for layer in model.layers if isinstance(layer, Coder)]
    assert [coder.gradient_scale for coder in coders] == [0.5, 1.0]
    assert {coder.code_filters for coder in coders} == {2, 3}
    check_gradients(model, [images])
    randomize(model, seed=1)
    np.testing.assert_allclose(
        to_numpy(fold(model)(images)), to_numpy(model(images)), rtol=1e-4
    )


@pytest.mark.slow_on_jax
@pytest.mark.parametrize("internal_path", INTERNAL_PATHS)
@pytest.mark.parametrize(
    ("block", "shared_learners", "kernels"),
    [
        ("basic", (2,), {"kernel2": (3, 3, 6, 6)}),
        ("basic", (1, 2), {"kernel1": (3, 3, 6, 6), "kernel2": (3, 3, 6, 6)}),
        (
            "bottleneck",
            (1, 3),
            {"kernel1": (1, 1, 24, 6), "kernel3": (1, 1, 6, 24)},
        ),
    ],
)
def test_blocks_of_a_stage_share_learners(
    block, shared_learners, kernels, internal_path, images
):
    def build(**kwargs):
        return PlainResNet(
            (2, 2),
            (4, 6),
            input_shape=(8, 8, 3),
            block=block,
            internal_path=internal_path,
            **kwargs,
        )

    model = build(shared_learners=shared_learners)
    found = {
        layer.name.removeprefix("stage2_"): tuple(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, SharedKernel) and layer.name.startswith("stage2")
    }
    assert found == kernels
    assert model.get_config()["shared_learners"] == list(shared_learners)
    assert model.count_params() < build().count_params()
    check_gradients(model, [images])
    randomize(model, seed=1)
    folded = fold(model)
    np.testing.assert_allclose(
        to_numpy(folded(images)), to_numpy(model(images)), rtol=1e-4
    )
    assert audit(folded).plain == (internal_path != "residual")
    report = audit(model)
    assert report.folded_parameters == folded.count_params()
    assert report.macs == audit(folded).macs
    assert report.shared[-1] == f"stage2_kernel{shared_learners[-1]}"


def test_a_twin_with_shared_learners_becomes_a_chain(images):
    twin = PlainResNet(**TINY, internal_path="residual", shared_learners=(2,))
    randomize(twin, seed=1)
    chain, _ = from_residual(twin)
    assert audit(chain).pass_through
    np.testing.assert_allclose(
        to_numpy(chain(images)), to_numpy(twin(images)), rtol=1e-4
    )


def test_carries_a_rectified_input_through_all_blocks(images):
    """With silent learners the chain only subsamples what the stem made."""
    model = PlainResNet(**TINY, include_top=False)
    for layer in model.layers:
        if isinstance(layer, PlainConv2D) and layer.name != "stem_conv":
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    stem = keras.Model(model.input, model.get_layer("stem_relu").output)
    signal = to_numpy(stem(images))
    outputs = to_numpy(model(images))
    np.testing.assert_allclose(outputs[..., :4], signal[:, ::2, ::2], atol=1e-6)
    np.testing.assert_array_equal(outputs[..., 4:], 0)
    assert signal.max() > 0.1


def test_residual_twin_carries_the_same(images):
    model = PlainResNet(**TINY, include_top=False, internal_path="residual")
    for layer in model.layers:
        if isinstance(layer, PlainConv2D) and layer.name != "stem_conv":
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    stem = keras.Model(model.input, model.get_layer("stem_relu").output)
    signal = to_numpy(stem(images))
    outputs = to_numpy(model(images))
    np.testing.assert_allclose(outputs[..., :4], signal[:, ::2, ::2], atol=1e-6)


@pytest.mark.torch_only
def test_intermediate_tensors_are_reachable_by_name(images):
    model = PlainResNet(**TINY)
    names = ["preprocessing", "stem_conv", "stem_relu", "pool", "head"]
    for stage, block in ((1, 1), (2, 1), (2, 2)):
        names += [
            f"stage{stage}_block{block}_{part}"
            for part in ("conv1", "relu1", "conv2", "relu2")
        ]
    assert {layer.name for layer in model.layers} == {
        *names,
        "images",
        "stage1_coder",
        "stage2_coder",
    }
    outputs = {name: model.get_layer(name).output for name in names}
    features = keras.Model(model.input, outputs)(images)
    assert tuple(features["stage1_block1_relu2"].shape) == (4, 8, 8, 4)
    assert tuple(features["stage2_block2_relu2"].shape) == (4, 4, 4, 8)
    np.testing.assert_array_equal(
        to_numpy(features["head"]), to_numpy(model(images))
    )


@pytest.mark.torch_only
def test_gain_and_norm_reach_the_layers():
    model = PlainResNet(**TINY)
    gammas = {
        name: to_numpy(model.get_layer(name).batch_norm.gamma)[0]
        for name in ("stem_conv", "stage1_block1_conv1", "stage2_block2_conv2")
    }
    assert list(gammas.values()) == pytest.approx([1.0, 0.3, 0.3])
    twin = PlainResNet(**TINY, internal_path="residual")
    layer = twin.get_layer("stage1_block1_conv1")
    assert to_numpy(layer.batch_norm.gamma)[0] == 1.0
    model = PlainResNet(**TINY, norm="kernel")
    assert model.get_layer("stage1_block1_conv2").bias is not None


@pytest.mark.torch_only
@pytest.mark.parametrize("pooling", [None, "avg", "max"])
def test_without_the_top(pooling, images):
    whole = PlainResNet(**TINY)
    model = PlainResNet(**TINY, include_top=False, pooling=pooling)
    randomize(whole, seed=1)
    for layer in model.layers:
        if layer.variables:
            source = whole.get_layer(layer.name)
            layer.set_weights(source.get_weights())
    last = whole.get_layer("stage2_block2_relu2").output
    features = to_numpy(keras.Model(whole.input, last)(images))
    expected = {
        None: features,
        "avg": features.mean((1, 2)),
        "max": features.max((1, 2)),
    }[pooling]
    outputs = to_numpy(model(images))
    assert tuple(model.output_shape[1:]) == expected.shape[1:]
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


def test_head_averages_classifies_and_activates(images):
    probabilities = PlainResNet(**TINY, classes=7)
    randomize(probabilities, seed=1)
    logits = PlainResNet(**TINY, classes=7, classifier_activation=None)
    logits.set_weights(probabilities.get_weights())
    values = to_numpy(logits(images))
    assert values.shape == (4, 7)
    assert np.abs(values.sum(-1) - 1).max() > 0.01
    exponentials = np.exp(values - values.max(-1, keepdims=True))
    expected = exponentials / exponentials.sum(-1, keepdims=True)
    np.testing.assert_allclose(
        to_numpy(probabilities(images)), expected, rtol=1e-4, atol=1e-6
    )


def test_preprocessing_is_part_of_the_model(images):
    model = PlainResNet(**TINY)
    randomize(model, seed=1)
    bare = PlainResNet(**TINY, preprocessing="none")
    bare.set_weights(model.get_weights())
    expected = to_numpy(bare(images / 127.5 - 1))
    np.testing.assert_allclose(
        to_numpy(model(images)), expected, rtol=1e-4, atol=1e-5
    )
    pixels = images.astype("uint8")
    np.testing.assert_allclose(
        to_numpy(model(pixels)),
        to_numpy(model(pixels.astype("float32"))),
        rtol=1e-6,
    )


def test_preprocessing_of_imagenet(images):
    model = PlainResNet(**TINY, preprocessing="imagenet")
    randomize(model, seed=1)
    bare = PlainResNet(**TINY, preprocessing="none")
    bare.set_weights(model.get_weights())
    # In the numbers that are in use for 8-bit pixels.
    mean, deviation = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    expected = to_numpy(bare((images - mean) / deviation))
    np.testing.assert_allclose(
        to_numpy(model(images)), expected, rtol=1e-4, atol=1e-5
    )
    if CHANNELS_FIRST_WORKS:
        arguments = {**TINY, "input_shape": (3, 8, 8)}
        first = PlainResNet(
            **arguments, preprocessing="imagenet", data_format="channels_first"
        )
        first.set_weights(model.get_weights())
        np.testing.assert_allclose(
            to_numpy(first(images.transpose(0, 3, 1, 2))),
            expected,
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "shape", [(8, 8, 1), (9, 11, 3), (8, 13, 4), (None, None, 3)]
)
@pytest.mark.parametrize("internal_path", ["coder", "residual"])
def test_sizes_and_channels(shape, internal_path):
    model = PlainResNet(
        (1, 1), (4, 8), input_shape=shape, internal_path=internal_path
    )
    for size in ((8, 8), (15, 10)) if shape[0] is None else (shape[:2],):
        images = np.ones((2, *size, shape[2]), "float32")
        outputs = to_numpy(model(images))
        np.testing.assert_allclose(outputs.sum(-1), 1, rtol=1e-5)
        features = keras.Model(model.input, model.get_layer("pool").input)
        halves = tuple(-(-length // 2) for length in size)
        assert tuple(features(images).shape) == (2, *halves, 8)


@pytest.mark.torch_only
def test_default_shapes():
    assert PlainResNet((1,), (4,)).input_shape == (None, 32, 32, 3)
    backbone = PlainResNet((1,), (4,), include_top=False)
    assert backbone.input_shape == (None, None, None, 3)


@pytest.mark.torch_only
def test_constructors_keep_the_positions_of_keras_applications():
    theirs = list(inspect.signature(keras.applications.ResNet50).parameters)
    for variant in VARIANTS:
        name = variant.replace("plain_resnet", "PlainResNet")
        constructor = getattr(applications, name)
        assert constructor.__name__ == name
        assert f"with {variant[12:]} weighted layers" in constructor.__doc__
        ours = list(inspect.signature(constructor).parameters)
        assert ours[: len(theirs)] == theirs
    model = PlainResNet20(
        False, None, None, (8, 8, 1), "max", 3, None, "mine", norm="kernel"
    )
    assert model.name == "mine"
    assert model.input_shape == (None, 8, 8, 1)
    assert model.output_shape == (None, 64)


@pytest.mark.torch_only
def test_keyword_only_extras_stay_keyword_only():
    parameters = inspect.signature(PlainResNet).parameters.values()
    positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    assert positional == [
        "blocks_per_stage",
        "filters_per_stage",
        "include_top",
        "input_shape",
        "pooling",
        "classes",
        "classifier_activation",
    ]
