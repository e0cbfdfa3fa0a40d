"""The certificate reports what is, also where a conversion is wrong."""

import dataclasses

import keras
import numpy as np
import pytest
from residual_sources import network

from keras_pnnh.pass_through import from_residual
from keras_pnnh.pass_through.conversion import (
    certificate as certificate_module,
)
from keras_pnnh.pass_through.conversion import comparison
from keras_pnnh.pass_through.conversion import convert as convert_module
from keras_pnnh.pass_through.conversion.emission import Emitter
from keras_pnnh.pass_through.conversion.results import compute_logits


@pytest.fixture(scope="module")
def model():
    return network([("basic", 6, 2), ("inverted", 6, 1)])


def test_a_softmax_hides_differences_and_is_left_out(model):
    x = model.layers[-2].output
    head = keras.layers.Dense(3, activation="softmax", name="shares")
    shares = keras.Model(model.input, head(x))
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3))
    features = keras.Model(model.input, x)(images)
    want = keras.ops.matmul(features, head.kernel) + head.bias
    want = keras.ops.convert_to_numpy(want)
    got = compute_logits(shares, images.astype("float32"))
    np.testing.assert_allclose(got, want, rtol=1e-5)
    for last in (
        keras.layers.Softmax(),
        keras.layers.Activation("sigmoid"),
    ):
        ended = keras.Model(model.input, last(model.output))
        np.testing.assert_allclose(
            compute_logits(ended, images.astype("float32")),
            compute_logits(model, images.astype("float32")),
            rtol=1e-5,
            atol=1e-5,
        )


@pytest.mark.every_backend
def test_what_it_says(model):
    probe = np.random.default_rng(0).standard_normal((5, 8, 8, 3))
    _, certificate = from_residual(model, probe=probe.astype("float32"))
    certificate.raise_if_not_exact()
    text = str(certificate)
    assert certificate.images == 5
    assert certificate.exact and certificate.exact_until is None
    assert certificate.source_rounding is None
    assert "exact to the end" in text and "5 inputs" in text
    assert "equal top-1: 100.0%" in text
    assert f"written out: {certificate.written_out_macs:,}" in text
    assert certificate.written_out_macs > certificate.macs
    with pytest.raises(dataclasses.FrozenInstanceError):
        certificate.images = 7


def test_where_a_wrong_chain_goes_wrong(model, monkeypatch):
    """One weight too many in the second layer of the second block."""

    class Careless(Emitter):
        def load_weights(self):
            super().load_weights()
            layer, arrays = self._weights[4]
            self.spoiled = layer.name
            layer.set_weights([array + 0.1 for array in arrays])
            spoiled.append(layer.name)

    spoiled = []
    monkeypatch.setattr(convert_module, "Emitter", Careless)
    with pytest.raises(ValueError, match="must equal its source"):
        from_residual(model)
    _, certificate = from_residual(model, require_exact=False)
    assert not certificate.exact
    assert 0 < certificate.source_rounding < 1e-5
    assert certificate.exact_until == spoiled[-1]
    assert f"exact until layer '{spoiled[-1]}'" in str(certificate)
    with pytest.raises(ValueError, match=f"exact until layer '{spoiled[-1]}'"):
        certificate.raise_if_not_exact()


class Saturating(keras.layers.Layer):
    """Equal to what is converted, but far from zero."""

    def __init__(self, most, **kwargs):
        super().__init__(**kwargs)
        self.most = most

    def call(self, x):
        return keras.ops.minimum(x, self.most)

    def get_config(self):
        return {**super().get_config(), "most": self.most}


@pytest.mark.parametrize(
    ("scale", "most"),
    [(1.0, 100.0), (1 / 255, 0.9), (1 / 127.5, 1.5), (1.0, 2500.0)],
)
def test_the_probe_reaches_what_real_images_do(scale, most, monkeypatch):
    """Pixels of 0 to 255, also behind a rescaling to [0, 1] or [-1, 1]."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(scale, -1.0 if scale == 1 / 127.5 else 0)(images)
    x = keras.layers.Add()([x, keras.layers.Conv2D(3, 1)(x)])
    x = Saturating(most)(keras.layers.Rescaling(1.0)(x))
    x = keras.layers.GlobalMaxPooling2D()(x)
    model = keras.Model(images, keras.layers.Dense(3)(x))
    from_residual(model)
    # A chain that forgets the limit is noticed.
    monkeypatch.setattr(Saturating, "from_config", classmethod(_forget))
    with pytest.raises(ValueError, match="most=|must equal its source"):
        from_residual(model)


def _forget(cls, config):
    return cls(**{**config, "most": 1e9})


@pytest.mark.parametrize(
    "policy", ["mixed_float16", "float16", "mixed_bfloat16", "float64"]
)
def test_the_tolerance_follows_the_precision(policy):
    if policy == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX computes in float32 unless it is told otherwise")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network([("basic", 6, 2), ("basic", 6, 1)])
    finally:
        keras.config.set_dtype_policy(before)
    _, certificate = from_residual(model)
    assert certificate.exact
    assert (certificate.tolerance > 1e-4) == (policy != "float64")


def test_images_on_which_the_source_overflows_tell_nothing():
    images = keras.Input((4, 4, 3))
    x = keras.layers.Activation("exponential")(images)
    x = keras.layers.Add()([x, keras.layers.Conv2D(3, 1)(x)])
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, keras.layers.Dense(3)(x))
    _, certificate = from_residual(model)
    assert certificate.exact
    assert certificate.left_out > 0 and certificate.images > 2
    assert f"{certificate.left_out} left out" in str(certificate)
    bad = np.full((2, 4, 4, 3), 200, "float32")
    with pytest.raises(ValueError, match="On all of them .* overflows"):
        from_residual(model, probe=bad)


def test_the_model_itself_is_called(model, monkeypatch):
    """Not a reading of its graph: what it returns counts."""
    seen = []

    def heard(inputs, training=None, mask=None):
        seen.append(len(inputs))
        return original(inputs, training=training, mask=mask)

    original = model.call
    _, before = from_residual(model)
    # After it was read: `call` is what the comparison goes through.
    compared = comparison.compare

    def compare(source, conversion, probe):
        source.call = heard
        try:
            return compared(source, conversion, probe)
        finally:
            del source.call

    monkeypatch.setattr(comparison, "hides_logits", lambda model: False)
    monkeypatch.setattr(comparison, "tolerance_of", lambda model: 1e-4)
    monkeypatch.setattr(certificate_module, "compare", compare)
    from_residual(model)
    assert seen == [before.images + before.left_out]
