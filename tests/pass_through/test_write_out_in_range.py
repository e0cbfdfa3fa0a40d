"""Written out for the range that images fit: exact in it, counted beyond."""

import dataclasses

import keras
import numpy as np
import pytest
from conversion_checks import noise, relative_difference
from harness import CHANNELS_FIRST_WORKS
from keras import layers
from residual_sources import BLOCKS, conv, head, network, norm, trained_like

from keras_pnnh import audit, from_residual, write_out
from keras_pnnh.pass_through import certify_written_out
from keras_pnnh.pass_through.layers import CarryActivation
from keras_pnnh.pass_through.writing_out.ranges import (
    MARGIN,
    Ranges,
    measure_ranges,
)

# Max pooling beside pass-through channels is no convolution.
WRITTEN_OUT = sorted(set(BLOCKS) - {"xception"})
# Nothing of both signs passes a rectifier there.
EXACT = {
    "average_shortcut",
    "basic",
    "bottleneck",
    "one_layer",
    "torch_basic",
    "zero_padded",
}


@pytest.fixture(scope="module")
def mobile():
    """A chain of inverted residuals, its source and images."""
    source = network([("inverted", 4, 1), ("inverted", 4, 1)])
    chain, _ = from_residual(source)
    return source, chain, noise(chain)


@pytest.fixture(scope="module")
def written_out(mobile):
    _, chain, images = mobile
    return write_out(chain, images=images)


@pytest.mark.slow_on_jax
@pytest.mark.parametrize("block", WRITTEN_OUT)
def test_every_topology_is_equal_at_the_predicted_cost(block):
    model = network([(block, 4, 1), (block, 4, 1), (block, 6, 2)])
    chain, _ = from_residual(model)
    # Rounding is relative to the range, so the contrasts are not far apart.
    images, predicted = noise(chain)[[1, 2, 3, 5, 6, 7]], audit(chain)
    made = write_out(chain, images=images)
    assert "keras_pnnh" not in made.to_json()
    assert relative_difference(model, made, images) < 1e-5
    report = audit(made)
    assert report.plain
    assert report.macs == predicted.in_range_macs
    assert report.parameters == predicted.in_range_parameters
    certificate = certify_written_out(chain, made, images)
    assert certificate.exact
    if block in EXACT:
        assert certificate.outcome == "exact"
        assert certificate.clipped is None
        assert predicted.in_range_macs == predicted.written_out_macs
    else:
        assert certificate.outcome == "exact within a range"
        assert certificate.clipped == certificate.clipped_images == 0
        assert predicted.in_range_macs < predicted.written_out_macs


@pytest.mark.every_backend
def test_inverted_residuals_need_no_further_layer(mobile, written_out):
    source, chain, _ = mobile
    before, after = audit(source), audit(written_out)
    assert after.depth == before.depth
    kinds = [type(layer) for layer in written_out.layers]
    assert kinds == [
        layers.InputLayer,
        *(layers.Conv2D, layers.ReLU),
        *2
        * (
            *(layers.Conv2D, layers.ReLU),
            *(layers.DepthwiseConv2D, layers.ReLU),
            layers.Conv2D,
        ),
        *(layers.GlobalAveragePooling2D, layers.Dense),
    ]
    assert audit(write_out(chain)).depth > before.depth


def test_images_beyond_the_range_are_counted(mobile, written_out):
    _, chain, images = mobile
    beyond = images.copy()
    beyond[[1, 5]] *= 40
    certificate = certify_written_out(chain, written_out, beyond)
    assert certificate.clipped_images == 2
    assert certificate.clipped > 2
    assert certificate.exact_in_range and not certificate.exact
    assert certificate.outcome == "exact within a range"
    clipped = f"{certificate.clipped:,} values of 2 of 8 images leave it"
    assert clipped in str(certificate)
    with pytest.raises(ValueError, match="larger `margin`") as caught:
        certificate.raise_if_not_exact()
    assert clipped in str(caught.value)
    none = certify_written_out(chain, written_out, 1000 * images)
    assert none.clipped_images == len(images)
    assert none.outcome == "not exact"  # no image shows that it is


def test_the_count_is_that_of_the_stream(mobile, written_out):
    """By hand: the carried channels before the first activation."""
    _, chain, images = mobile
    (layer, *_) = [
        layer for layer in chain.layers if isinstance(layer, CarryActivation)
    ]
    (passing,) = [p for p in layer.pieces if p["activation"] is None]
    stream = keras.Model(chain.input, layer.input)
    bounds = measure_ranges(chain, images, MARGIN)
    low, high = np.transpose(
        [bounds.of(layer, index) for index in range(*passing["inputs"])]
    )
    beyond = 9 * images[:4]
    values = keras.ops.convert_to_numpy(stream(beyond))
    values = values[..., slice(*passing["inputs"])]
    expected = ((values < low) | (values > high)).sum()
    found = certify_written_out(chain, written_out, beyond)
    first = certify_written_out(
        *(_until_the_first_sum(model) for model in (chain, written_out)),
        beyond,
    )
    assert 0 < expected == first.clipped <= found.clipped


def _until_the_first_sum(model):
    name = next(
        layer.name for layer in model.layers if layer.name.startswith("add")
    )
    return keras.Model(model.input, model.get_layer(name).output)


def test_the_margin_is_what_may_be_left(mobile):
    _, chain, images = mobile
    clipped = []
    for margin in (0, 0.25, 4):
        made = write_out(chain, images=images, margin=margin)
        assert certify_written_out(chain, made, images).clipped == 0
        other = certify_written_out(chain, made, 2 * images)
        clipped.append(other.clipped)
    assert clipped[0] > clipped[1] > clipped[2] == 0


def test_a_file_of_it_is_counted_as_well(mobile, written_out, tmp_path):
    _, chain, images = mobile
    written_out.save(tmp_path / "plain.keras")
    loaded = keras.saving.load_model(tmp_path / "plain.keras")
    found = certify_written_out(chain, loaded, 9 * images)
    expected = certify_written_out(chain, written_out, 9 * images)
    assert found.clipped == expected.clipped > 0


def test_pairs_have_no_range(mobile):
    _, chain, images = mobile
    certificate = certify_written_out(chain, write_out(chain), 40 * images)
    assert certificate.outcome == "exact"
    assert certificate.clipped is certificate.exact_in_range is None
    broken = dataclasses.replace(certificate, exact=False)
    assert broken.outcome == "not exact"


def test_another_network_is_refused(mobile):
    source, chain, images = mobile
    with pytest.raises(ValueError, match="what `write_out` made of the chain"):
        certify_written_out(chain, source, images)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 9, 8, 3)),
        np.zeros((8, 8, 3)),
        np.zeros((0, 8, 8, 3)),
        np.full((1, 8, 8, 3), np.nan),
        "photographs",
        [1, [2]],
        np.full((1, 8, 8, 3), "a"),
    ],
)
def test_wrong_images(mobile, written_out, images):
    _, chain, _ = mobile
    for call in (
        lambda: write_out(chain, images=images),
        lambda: certify_written_out(chain, written_out, images),
    ):
        with pytest.raises(ValueError, match="`images` must be a batch"):
            call()


@pytest.mark.parametrize("margin", [-0.1, np.nan, np.inf, "much", None])
def test_wrong_margin(mobile, margin):
    _, chain, images = mobile
    with pytest.raises(ValueError, match="`margin` is a part of the width"):
        write_out(chain, images=images, margin=margin)


def test_a_constant_stream_has_a_width(mobile):
    """What never changed on the images may do so on others."""
    layer = CarryActivation([{"inputs": [0, 3]}])
    low, high = np.array([1.0, -8, 0]), np.array([1.0, 8, 0])
    ranges = Ranges({layer: (low, high)})
    for channel in (0, 2):
        below, above = ranges.of(layer, channel)
        assert below < low[channel] < above
    dead = Ranges({layer: (np.zeros(3), np.zeros(3))}, 0.25)
    assert dead.of(layer, 0) == (-0.5, 0.5)
    _, chain, images = mobile
    made = write_out(chain, images=np.zeros_like(images))
    assert certify_written_out(chain, made, np.zeros_like(images)).exact


def clipped_stream(x, most=6):
    """What passes lies between 0 and `most`, whatever the images."""
    y = layers.ReLU(6)(norm(conv(x, 4)))
    y = norm(conv(y, 4))
    return layers.ReLU(most)(layers.Add()([x, y]))


@pytest.mark.parametrize("most", [6, 4])
def test_a_bounded_stream_needs_neither_range_nor_pair(most):
    images = keras.Input((8, 8, 3))
    x = layers.ReLU(most)(norm(conv(images, 4)))
    x = clipped_stream(clipped_stream(x, most), most)
    model = trained_like(keras.Model(images, head(x)))
    chain, _ = from_residual(model)
    made = write_out(chain)
    assert relative_difference(model, made, noise(model)) < 1e-5
    assert audit(made).depth == audit(model).depth


def test_a_stream_above_the_clip_does():
    images = keras.Input((8, 8, 3))
    x = layers.ReLU()(norm(conv(images, 4)))
    model = trained_like(keras.Model(images, head(clipped_stream(x))))
    chain, _ = from_residual(model)
    pixels = noise(model)
    exact = write_out(chain)
    assert relative_difference(model, exact, 10 * pixels) < 1e-5
    assert audit(exact).depth > audit(model).depth
    made = write_out(chain, images=pixels)
    assert relative_difference(model, made, pixels) < 1e-5
    assert audit(made).depth == audit(model).depth
    assert certify_written_out(chain, made, 10 * pixels).clipped > 0


def test_a_window_over_the_border_reads_no_shifted_channel():
    """Zeros around an image are not those of a shifted channel."""
    images = keras.Input((8, 8, 3))
    x = conv(images, 4)  # of both signs
    late = conv(x, 4)
    y = layers.ReLU()(norm(conv(x, 4)))
    y = layers.ReLU()(norm(conv(y, 4)))
    model = keras.Model(images, head(layers.Add()([late, y])))
    chain, _ = from_residual(trained_like(model))
    pixels = noise(chain)
    made = write_out(chain, images=pixels)
    assert relative_difference(model, made, pixels) < 1e-5


def test_clips_at_several_places_keep_two_rectifiers():
    images = keras.Input((8, 8, 3))
    x = conv(images, 4)
    y = layers.ReLU(6)(norm(conv(x, 4)))
    z = layers.ReLU()(norm(conv(x, 4)))
    model = keras.Model(images, head(layers.Add()([conv(y, 4), conv(z, 4), x])))
    chain, _ = from_residual(trained_like(model))
    pixels = noise(chain)
    made = write_out(chain, images=pixels)
    assert relative_difference(model, made, pixels) < 1e-5
    assert audit(made).macs <= audit(write_out(chain)).macs


def test_without_pass_through_channels_images_change_nothing():
    images = keras.Input((8, 8, 3))
    x = layers.ReLU(6)(norm(conv(images, 4)))
    model = trained_like(keras.Model(images, head(x)))
    pixels = noise(model)
    made = write_out(model, images=pixels)
    assert certify_written_out(model, made, pixels).outcome == "exact"


@pytest.mark.skipif(not CHANNELS_FIRST_WORKS, reason="needs a GPU there")
def test_channels_first():
    keras.config.set_image_data_format("channels_first")
    try:
        images = keras.Input((3, 8, 8))
        x = layers.BatchNormalization(axis=1)(conv(images, 4))
        y = layers.ReLU(6)(conv(x, 8, 1))
        y = layers.DepthwiseConv2D(3, padding="same")(y)
        y = conv(layers.ReLU(6)(y), 4, 1)
        x = layers.Add()([x, y])
        model = trained_like(keras.Model(images, head(x)))
        chain, _ = from_residual(model)
        pixels = noise(chain)
        made = write_out(chain, images=pixels)
        assert relative_difference(model, made, pixels) < 1e-5
        assert certify_written_out(chain, made, pixels).clipped == 0
        assert certify_written_out(chain, made, 40 * pixels).clipped > 0
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.every_backend
@pytest.mark.parametrize("policy", ["float64", "mixed_float16"])
def test_other_precisions(policy):
    if policy == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX computes in float32 unless told otherwise")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network([("inverted", 4, 1)])
    finally:
        keras.config.set_dtype_policy(before)
    chain, _ = from_residual(model, require_exact=False)
    pixels = noise(chain) / 50
    made = write_out(chain, images=pixels)
    tolerance = 1e-6 if policy == "float64" else 3e-2
    assert relative_difference(model, made, pixels) < tolerance


def test_only_a_convolution_reads_what_was_shifted():
    """A chain by hand, such as none that is converted."""
    images = keras.Input((8, 8, 3))
    x = conv(images, 2)
    relu = {"inputs": [0, 1], "activation": "relu"}
    x = CarryActivation([relu, {"inputs": [1, 2]}])(x)
    model = trained_like(keras.Model(images, head(x)))
    for pixels in (None, noise(model)):
        with pytest.raises(ValueError, match="is read by a `CarryConv2D`"):
            write_out(model, images=pixels)
