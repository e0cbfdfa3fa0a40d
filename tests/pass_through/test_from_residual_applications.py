"""Published architectures, narrow or on small images."""

import importlib.util

import keras
import numpy as np
import pytest
from conversion_checks import (
    convert,
    noise,
    relative_difference,
    write_out,
)
from harness import randomize
from keras import layers
from residual_sources import largest, trained_like

from keras_pnnh import pass_through
from keras_pnnh.auditing import audit

NEW = {"weights": None, "classes": 3}


@pytest.mark.torch_only
def test_mobilenet_v2():
    """A true clip at 6, a signed stream, padding that knows odd from even.

    Every ReLU6 clips at both ends. Half of the network, since rounding grows
    from layer to layer where the weights are noise.
    """
    model = trained_like(
        keras.applications.MobileNetV2(
            input_shape=(33, 48, 3), alpha=0.35, **NEW
        )
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.endswith(("expand_BN", "depthwise_BN")):
            shape = layer.beta.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            layer.beta.assign(rng.normal(2, 3, shape))
    model = keras.Model(model.input, model.get_layer("block_8_add").output)
    clipped = [layer for layer in model.layers if type(layer) is layers.ReLU]
    assert all(largest(model, r.name, noise(model)) > 8 for r in clipped[2:])
    plain, certificate = convert(model)
    clips = [
        piece["arguments"].get("max_value")
        for layer in plain.layers
        for piece in getattr(layer, "pieces", ())
        if piece["activation"] is not None
    ]
    assert set(clips) == {6.0}
    images = 10 * np.random.default_rng(1).standard_normal((8, 33, 48, 3))
    made = pass_through.write_out(plain, images=images)
    assert relative_difference(model, made, images) < 1e-5
    assert audit(made).depth == audit(model).depth
    dense = write_out(model, plain)
    # Depthwise convolutions stay depthwise.
    assert certificate.written_out_macs < 1.3 * certificate.macs
    assert any(
        isinstance(layer, layers.DepthwiseConv2D) for layer in dense.layers
    )


@pytest.mark.torch_only
def test_mobilenet_v2_in_a_range_costs_nine_percent():
    model = keras.applications.MobileNetV2(input_shape=(96, 96, 3), **NEW)
    plain, certificate = pass_through.from_residual(model, require_exact=False)
    assert certificate.in_range_macs < 1.09 * certificate.source_macs
    report = audit(pass_through.write_out(plain, images=noise(model)))
    assert report.plain and report.depth == audit(model).depth
    assert report.macs == certificate.in_range_macs
    assert report.parameters == certificate.in_range_parameters


@pytest.mark.full_only
@pytest.mark.slow
@pytest.mark.torch_only
def test_resnet50():
    model = keras.applications.ResNet50(input_shape=(33, 40, 3), **NEW)
    plain, certificate = convert(trained_like(model))
    assert certificate.depth == 50
    assert certificate.pass_through_channels == 2048
    # The stride is on the first 1x1, where the shortcut's pixels are taken.
    reserve = plain.get_layer("conv3_block1_1_conv")
    assert [block.strides for block in reserve.blocks] == [(2, 2), (2, 2)]
    merge = plain.get_layer("conv3_block1_add")
    assert [block.channels for block in merge.blocks] == [256, 128]
    assert audit(plain).written_out_macs > 10 * audit(plain).macs


@pytest.mark.torch_only
@pytest.mark.slow
def test_keras_hub():
    """Importing keras-hub takes 18 s, so all networks are in one test."""
    if importlib.util.find_spec("keras_hub") is None:
        pytest.skip("keras-hub is not installed")
    keras_hub = importlib.import_module("keras_hub")
    for block, pre_activation in (
        ("basic_block", True),
        ("bottleneck_block", True),
        ("bottleneck_block_vd", False),
    ):
        backbone = keras_hub.models.ResNetBackbone(
            input_conv_filters=[64],
            input_conv_kernel_sizes=[7],
            stackwise_num_filters=[64, 8],
            stackwise_num_blocks=[1, 2],
            stackwise_num_strides=[1, 2],
            block_type=block,
            use_pre_activation=pre_activation,
            image_shape=(32, 24, 3),
        )
        plain, _ = convert(trained_like(backbone))
        write_out(backbone, plain)
    for class_token in (True, False):
        backbone = keras_hub.models.ViTBackbone(
            image_shape=(8, 12, 3),
            patch_size=4,
            num_layers=2,
            num_heads=2,
            hidden_dim=8,
            mlp_dim=12,
            use_class_token=class_token,
        )
        randomize(backbone, seed=0)
        plain, certificate = convert(backbone, same_macs=False)
        assert certificate.macs == certificate.source_macs
        # The layers inside of its encoder, and no layer of keras-hub.
        assert certificate.pass_through_channels == 8
        assert "keras_hub" not in plain.to_json()
    model = keras_hub.models.ViTImageClassifier(backbone, 3)
    randomize(model, seed=1)
    convert(model, same_macs=False)
