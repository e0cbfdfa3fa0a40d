"""The certificate reports what is, also where a conversion is wrong."""

import dataclasses

import keras
import numpy as np
import pytest
from residual_sources import network

from keras_pnnh.pass_through import from_residual
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
        )


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
