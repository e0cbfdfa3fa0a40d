"""The wide and shallow family: shapes, the start as the identity, weights."""

import keras
import numpy as np
import pytest
from folding import folded_equals
from harness import INTERNAL_PATHS, randomize, rest_on_torch, to_numpy

from keras_pnnh import audit, fold
from keras_pnnh.applications import PlainWide, PlainWide11, PlainWide11Small
from keras_pnnh.layers import PlainConv2D


def tiny(**arguments):
    return PlainWide((4, 8), input_shape=(8, 8, 3), **arguments)


@pytest.mark.parametrize(
    "convolutions", rest_on_torch((3, 1, 2, 4), everywhere=3)
)
@pytest.mark.parametrize("path", INTERNAL_PATHS)
def test_every_number_of_convolutions_folds(path, convolutions, images):
    model = PlainWide(
        (4, 8),
        include_top=False,
        input_shape=(8, 8, 3),
        internal_path=path,
        convolutions_per_stage=convolutions,
    )
    randomize(model, seed=convolutions)
    folded_equals(model, images)
    report = audit(fold(model))
    assert report.plain == (path != "residual" or convolutions == 1)
    assert report.depth == 1 + 2 * convolutions


def test_the_concatenated_code_spans_the_blocks(images):
    model = tiny(code_placement="concat", include_top=False)
    randomize(model, seed=0)
    folded_equals(model, images)
    assert model.get_layer("stage2_conv2").code_filters == 8
    assert model.get_layer("stage2_conv3").code_channels == 8
    assert model.get_layer("stage2_conv1").code_filters == 0


def test_kernels_begin_as_the_identity():
    model = tiny(internal_path="none", start="dirac")
    layers = [layer for layer in model.layers if isinstance(layer, PlainConv2D)]
    assert len(layers) == 7
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 8)).astype("float32")
    for layer in layers[1:]:
        channels, filters = layer.kernel.shape[2:]
        kept = min(channels, filters)
        got = keras.ops.conv(x[..., :channels], layer.kernel, padding="same")
        np.testing.assert_allclose(
            to_numpy(got)[..., :kept], x[..., :kept], rtol=1e-5, atol=1e-6
        )
    # The stem reads an image, which is nothing to hand on.
    assert np.abs(to_numpy(layers[0].kernel)[0, 0]).max() > 0


@pytest.mark.torch_only
def test_a_coder_leaves_the_twins_size():
    coder, twin = (
        fold(tiny(internal_path=path)) for path in ("coder", "residual")
    )
    assert coder.count_params() == twin.count_params()
    assert audit(coder).macs == audit(twin).macs


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("construct", "parameters", "macs"),
    [
        (PlainWide11, 2_771_346, 185_262_832),
        (PlainWide11Small, 699_530, 40_017_312),
    ],
)
def test_bundled_variants(construct, parameters, macs):
    model = construct(weights="cifar10")
    assert model.count_params() == parameters
    report = audit(fold(model))
    assert report.plain and report.macs == macs
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    outputs = to_numpy(model(images.astype("float32")))
    np.testing.assert_allclose(outputs.sum(-1), 1, rtol=1e-5)


@pytest.mark.torch_only
def test_an_image_too_small_is_refused():
    with pytest.raises(ValueError, match="8x8"):
        PlainWide11(input_shape=(4, 4, 3))
