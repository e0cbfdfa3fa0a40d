import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

sys.path.append(str(Path(__file__).parents[2] / "study"))

import networks

from keras_pnnh.analysis import measure_survival, predict_survival
from keras_pnnh.applications import PlainMobileNet, PlainResNet
from keras_pnnh.theory import walk
from tests.analysis import faulty
from tests.harness import CHANNELS_FIRST_WORKS


def coder_chain(internal_path="coder", **kwargs):
    return PlainResNet(
        (3,),
        (32,),
        input_shape=(16, 16, 3),
        internal_path=internal_path,
        **kwargs,
    )


def noise(count=32):
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (count, 16, 16, 3)).astype("float32")


@pytest.mark.parametrize("shared_learners", [(), (1, 2)])
def test_prediction_for_a_coder_is_the_walk(shared_learners):
    model = coder_chain(shared_learners=shared_learners)
    predicted = list(predict_survival(model, noise()).values())
    assert predicted[0] == pytest.approx(0.5, abs=1e-2)
    expected = [step.survival for step in walk([0.3] * 6)]
    np.testing.assert_allclose(predicted[1:], expected, atol=1e-2)


def test_prediction_for_the_plain_network_is_one_half():
    predicted = predict_survival(coder_chain("none"), noise())
    np.testing.assert_allclose(list(predicted.values()), 0.5, atol=1e-2)


def test_prediction_for_a_residual_network_is_the_walk_of_its_blocks():
    predicted = list(
        predict_survival(coder_chain("residual"), noise()).values()
    )
    expected = [step.survival for step in walk([1.0] * 3)]
    np.testing.assert_allclose(predicted[2::2], expected, atol=1e-2)
    np.testing.assert_allclose(predicted[1::2], 0.5, atol=1e-2)


@pytest.mark.every_backend
@pytest.mark.parametrize("internal_path", ["coder", "residual", "none"])
def test_measurement_agrees_with_the_prediction(internal_path):
    report = measure_survival(coder_chain(internal_path), noise())
    for layer in report.layers:
        # Few channels, few weights: the share differs between seeds.
        assert layer.measured == pytest.approx(layer.predicted, abs=0.07)
    assert "predicted" in str(report)


@pytest.mark.parametrize("internal_path", ["coder", "residual", "none"])
def test_inverted_residuals_and_bottlenecks_agree_with_the_prediction(
    internal_path,
):
    arguments = {"input_shape": (16, 16, 3), "internal_path": internal_path}
    for model in (
        PlainMobileNet(
            (1, 2), (32, 32), (1, 1), 32, 32, stem="3x3", **arguments
        ),
        PlainResNet((2,), (32,), block="bottleneck", **arguments),
    ):
        layers = measure_survival(model, noise()).layers
        measured = np.array([layer.measured for layer in layers])
        predicted = np.array([layer.predicted for layer in layers], "float")
        np.testing.assert_allclose(measured, predicted, atol=0.03)


def test_a_norm_after_the_sum_is_predicted_to_fail():
    model = networks.resnet((3,), (32,), input_shape=(16, 16, 3), norm="sum")
    predicted = list(predict_survival(model, noise()).values())
    assert max(predicted[1:]) < 0.6


def test_dense_layers_and_their_activations():
    predicted = predict_survival(faulty.chain(), faulty.inputs())
    np.testing.assert_allclose(list(predicted.values()), 0.5, atol=0.02)
    x = keras.Input((8,))
    biased = layers.Dense(
        50, "relu", bias_initializer="ones", kernel_initializer="he_normal"
    )
    model = keras.Model(x, biased(x))
    (share,) = predict_survival(model, faulty.inputs()[:, :8]).values()
    assert share == pytest.approx(0.76, abs=0.04)  # Phi(1 / sqrt(2))


def test_standardized_pixels_are_predicted_like_scaled_ones():
    model = PlainResNet(
        (3,), (32,), input_shape=(16, 16, 3), preprocessing="imagenet"
    )
    predicted = list(predict_survival(model, noise()).values())
    expected = [0.5, *(step.survival for step in walk([0.3] * 6))]
    np.testing.assert_allclose(predicted, expected, atol=1e-2)


def test_unknown_layers_are_not_predicted():
    x = keras.Input((32,))
    y = layers.Dense(8, activation="relu", name="known")(x)
    y = layers.Softmax()(y)
    y = layers.ReLU(name="unknown")(y)
    model = keras.Model(x, y)
    predicted = predict_survival(model, faulty.inputs())
    assert predicted["known"] is not None
    assert predicted["unknown"] is None


def test_a_normalised_kernel_is_predicted():
    model = PlainResNet((3,), (32,), input_shape=(16, 16, 3), norm="kernel")
    for layer in measure_survival(model, noise()).layers:
        assert layer.measured == pytest.approx(layer.predicted, abs=0.1)


@pytest.mark.skipif(not CHANNELS_FIRST_WORKS, reason="TensorFlow on a CPU")
def test_channels_first():
    arguments = {"internal_path": "none"}
    first = PlainResNet(
        (1,),
        (32,),
        input_shape=(3, 16, 16),
        data_format="channels_first",
        **arguments,
    )
    report = measure_survival(first, np.moveaxis(noise(), -1, 1))
    for layer in report.layers:
        assert layer.predicted == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow_on_jax
def test_a_model_of_keras_applications():
    model = keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, weights=None, classes=3
    )
    images = np.random.default_rng(0).standard_normal((8, 32, 32, 3))
    report = measure_survival(model, images.astype("float32"))
    assert len(report.layers) == 35
    assert all(0 < layer.measured < 1 for layer in report.layers)
    assert report.layers[0].predicted == pytest.approx(0.5, abs=0.05)
    # A depthwise convolution is not in the theory; a batch norm behind the
    # next convolution makes it whole again.
    assert report.layers[1].predicted is None
    assert report.layers[2].predicted == pytest.approx(0.5, abs=0.05)
