"""Folding and auditing MobileNetV2: depthwise layers and signed codes."""

import pytest
from families import FAMILIES
from folding import folded_equals, images, names
from harness import (
    CHANNELS_FIRST_WORKS,
    INTERNAL_PATHS,
    kernels_from_numpy,
)
from keras import layers

from keras_pnnh import audit, create_model, fold, list_models


def small(**kwargs):
    return FAMILIES["plain_mobilenet_v2"].build(
        classifier_activation=None, **kwargs
    )


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(
            name,
            marks={
                "035": [pytest.mark.torch_only],
                "050": [],
                "140": [pytest.mark.torch_only],
            }.get(name[-3:], [pytest.mark.full_only]),
        )
        for name in list_models("plain_mobilenet_v2_*")
    ],
)
def test_every_width_keeps_its_logits(variant):
    with kernels_from_numpy():
        model = create_model(
            variant,
            input_shape=(32, 32, 3),
            classes=10,
            classifier_activation=None,
        )
        folded = folded_equals(model, images(2, 32, 32, 3), compiled=True)
    report = audit(folded)
    assert report.plain
    assert report.depth == 53
    assert audit(model).folded_parameters == report.parameters
    assert {type(layer).__name__ for layer in folded.layers} == {
        "InputLayer",
        "Rescaling",
        "ZeroPadding2D",
        "Conv2D",
        "DepthwiseConv2D",
        "ReLU",
        "GlobalAveragePooling2D",
        "Dense",
    }


@pytest.mark.parametrize("size", [(8, 10), (9, 11)])
@pytest.mark.parametrize("internal_path", INTERNAL_PATHS)
def test_every_path_keeps_its_logits(internal_path, size):
    model = small(internal_path=internal_path, input_shape=(*size, 3))
    folded_equals(model, images(2, *size, 3))


@pytest.mark.skipif(
    not CHANNELS_FIRST_WORKS,
    reason="TensorFlow convolves channels first on a GPU only",
)
def test_channels_first():
    model = small(input_shape=(3, 8, 9), data_format="channels_first")
    folded_equals(model, images(2, 3, 8, 9))


def test_mixed_precision():
    model = small(dtype="mixed_bfloat16")
    folded = folded_equals(model, images(2, 8, 8, 3), rtol=0.05)
    policy = folded.get_layer("stage2_block1_depthwise").dtype_policy
    assert policy.name == "mixed_bfloat16"


def test_a_strided_depthwise_layer_pads_and_keeps_its_name():
    folded = fold(small())
    chain = names(folded)
    index = chain.index("stage3_block1_depthwise_pad")
    assert chain[index + 1] == "stage3_block1_depthwise"
    layer = folded.get_layer("stage3_block1_depthwise")
    assert type(layer) is layers.DepthwiseConv2D
    assert (layer.padding, layer.use_bias) == ("valid", True)
    assert folded.get_layer("stage2_block1_depthwise").padding == "same"
    assert [n for n in chain if n.endswith("_pad")] == [
        "stage3_block1_depthwise_pad"
    ]
    assert folded.get_layer("stage2_block1_relu1").max_value == 6


@pytest.mark.torch_only
def test_a_twin_is_not_plain():
    report = audit(fold(small(internal_path="residual")))
    assert not report.plain
    assert report.merges == (
        "stage1_block1_add",
        "stage2_block1_add",
        "stage2_block2_add",
        "stage3_block2_add",
    )
    assert audit(fold(small(internal_path="none"))).plain


@pytest.mark.torch_only
@pytest.mark.parametrize("internal_path", ["coder", "residual"])
def test_multiplications_and_parameters_worked_out_by_hand(internal_path):
    with kernels_from_numpy():
        model = create_model(
            "plain_mobilenet_v2_100", internal_path=internal_path
        )
    pixels, channels = 112 * 112, 32
    macs = pixels * 9 * 3 * 32
    parameters = 9 * 3 * 32 + 32
    for expansion, filters, repeats, stride in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:
        for _ in range(repeats):
            hidden = expansion * channels
            if expansion > 1:
                macs += pixels * channels * hidden
                parameters += channels * hidden + hidden
            pixels //= stride**2
            macs += pixels * (9 * hidden + hidden * filters)
            parameters += 9 * hidden + hidden + hidden * filters + filters
            channels, stride = filters, 1
    macs += pixels * 320 * 1280 + 1280 * 1000
    parameters += 320 * 1280 + 1280 + 1280 * 1000 + 1000
    report = audit(model)
    assert report.macs == macs
    assert report.folded_parameters == parameters
    assert report.depth == 53
