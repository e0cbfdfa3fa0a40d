import keras
import numpy as np
import pytest

from keras_pnnh import theory
from keras_pnnh.layers import Coder
from keras_pnnh.layers.pretexts import PRETEXTS

QUICK = {"steps": 150, "batch_size": 128, "learning_rate": 0.05}


def test_a_narrow_code_converges_to_the_bound():
    coder = Coder(6, 2, initializer="random")
    bound = theory.reconstruction_error_bound(6, 2)
    assert coder.reconstruction_error() > 1.2 * bound
    error = coder.pretrain(**QUICK)
    # Not below the bound either, but for the noise of the sample.
    assert error == pytest.approx(bound, rel=0.05)
    assert error == coder.reconstruction_error(seed=1)


@pytest.mark.torch_only
@pytest.mark.parametrize("code_filters", [6, 12])
def test_a_wide_code_converges_to_zero(code_filters):
    coder = Coder(6, code_filters, initializer="random")
    before = coder.reconstruction_error(4096)
    assert coder.pretrain(**QUICK) < 0.005 * theory.VARIANCE
    assert code_filters == 12 or before > 0.1 * theory.VARIANCE


def test_pretraining_leaves_a_perfect_coder_alone():
    coder = Coder(6)
    assert coder.pretrain(5) < 1e-6


def test_a_frozen_coder_can_be_pretrained_and_stays_frozen():
    coder = Coder(6, 2, initializer="random", gradient_scale=0.0)
    coder(np.ones((1, 6), "float32"))
    encoder, _ = before = coder.get_weights()
    coder.pretrain(20)
    assert coder.trainable_variables == []
    assert all(
        np.abs(now - then).max() > 0.01
        for now, then in zip(coder.get_weights(), before, strict=True)
    )


def test_pretraining_goes_on_from_the_present_weights():
    coder = Coder(6, initializer="random")
    coder(np.ones((1, 6), "float32"))
    coder.set_weights([np.eye(6), np.eye(6)])
    assert coder.pretrain(5, learning_rate=1e-6) < 1e-6


@pytest.mark.torch_only
def test_axis_and_activation_are_kept():
    coder = Coder(4, 8, activation="gelu", axis=1, initializer="random")
    error = coder.pretrain(**QUICK)
    assert error < 0.02 * theory.VARIANCE
    again = Coder.from_config({**coder.get_config(), "axis": -1})
    again.build((None, 4))
    again.set_weights(coder.get_weights())
    assert again.reconstruction_error(seed=1) == pytest.approx(error, rel=1e-4)


def error_on(coder, draw):
    inputs = draw((512, 6), np.random.default_rng(3)).astype("float32")
    outputs = keras.ops.convert_to_numpy(coder(inputs))
    return np.mean(np.square(outputs - inputs))


def two_channels(shape, generator):
    """Samples of which all channels but two are zero."""
    return generator.random(shape) * (np.arange(shape[1]) < 2)


@pytest.mark.torch_only
def test_the_pretext_decides_what_is_kept():
    errors = {}
    for pretext in ("rectified_normal", two_channels):
        # Without a ReLU, so that the result does not hang on dead units.
        coder = Coder(6, 2, activation="linear", initializer="random")
        coder.pretrain(pretext=pretext, **QUICK)
        errors[pretext] = error_on(coder, two_channels)
    assert errors[two_channels] < 0.01 * errors["rectified_normal"]


@pytest.mark.torch_only
@pytest.mark.parametrize("pretext", sorted(PRETEXTS))
def test_every_pretext_by_name(pretext):
    coder = Coder(6, initializer="random")
    coder(np.ones((1, 6), "float32"))
    before = error_on(coder, PRETEXTS[pretext])
    coder.pretrain(pretext=pretext, **QUICK)
    assert error_on(coder, PRETEXTS[pretext]) < 0.8 * before


@pytest.mark.torch_only
def test_an_unknown_pretext():
    with pytest.raises(ValueError, match="Received: pretext='gaussian'"):
        Coder(6).pretrain(pretext="gaussian")
