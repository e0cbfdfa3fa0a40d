"""Written out: what it takes, and what it leaves alone."""

import keras
import numpy as np
import pytest
from conversion_checks import noise, relative_difference
from residual_sources import network

import keras_pnnh
from keras_pnnh import audit, fold, from_residual, write_out


def test_standard_layers_only_and_the_chain_untouched():
    chain, certificate = from_residual(network([("inverted", 4, 1)]))
    weights, config = chain.get_weights(), chain.to_json()
    written_out = write_out(chain, name="plain")
    assert written_out.name == "plain"
    assert write_out(chain).name == chain.name
    assert "keras_pnnh" not in written_out.to_json()
    assert relative_difference(chain, written_out, noise(chain)) < 1e-5
    assert audit(written_out).macs == certificate.written_out_macs
    assert chain.to_json() == config
    for now, then in zip(chain.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)


def test_without_pass_through_channels_it_is_folding():
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(images)
    x = keras.layers.BatchNormalization()(x)
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))
    names = [layer.name for layer in fold(model).layers]
    assert [layer.name for layer in write_out(model).layers] == names


def test_a_network_with_paths_is_refused():
    chain, _ = from_residual(network([("basic", 4, 1)]))
    x = keras.layers.Add()([chain.output, chain.output])
    with pytest.raises(ValueError, match="where paths meet or part"):
        write_out(keras.Model(chain.input, x))


def test_fold_takes_no_dense():
    chain, _ = from_residual(network([("basic", 4, 1)]))
    with pytest.raises(TypeError, match="dense"):
        fold(chain, dense=True)
    assert keras_pnnh.write_out is keras_pnnh.pass_through.write_out
