import keras
import numpy as np
import pytest
from harness import randomize, to_numpy

from keras_pnnh import save_weights
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.layers import Coder


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A model with random statistics, and the file of its weights."""
    model = PlainResNet20(input_shape=(8, 8, 3))
    randomize(model, seed=1)
    path = tmp_path_factory.mktemp("weights") / "model.weights.h5"
    save_weights(model, path)
    return model, path


@pytest.mark.every_backend
def test_weights_survive_the_rewiring(reference, images):
    model, path = reference
    tensor = keras.Input((8, 8, 3), name="camera")
    rewired = PlainResNet20(weights=path, input_tensor=tensor)
    assert rewired.input is tensor
    assert rewired.name == "plain_resnet20"
    expected = to_numpy(model(images))
    np.testing.assert_allclose(to_numpy(rewired(images)), expected, rtol=1e-5)


def test_layers_in_front_cannot_shift_the_weights(reference, images):
    """Keras numbers weights by class, so same-class layers are the danger."""
    model, path = reference
    inputs = keras.Input((8, 8, 3))
    front = keras.layers.Conv2D(3, 1, name="front")
    middle = keras.layers.BatchNormalization(name="middle")
    rewired = PlainResNet20(weights=path, input_tensor=middle(front(inputs)))
    assert rewired.input is inputs
    front.set_weights([np.eye(3)[None, None], np.zeros(3)])
    expected = to_numpy(model(images / np.sqrt(1.001)))
    np.testing.assert_allclose(
        to_numpy(rewired(images)), expected, rtol=1e-3, atol=1e-5
    )
    coders = [layer for layer in rewired.layers if isinstance(layer, Coder)]
    assert len(coders) == 3


@pytest.mark.torch_only
def test_a_rewired_model_can_be_saved(reference, tmp_path, images):
    _, path = reference
    tensor = keras.Input((8, 8, 3), name="camera")
    rewired = PlainResNet20(weights=path, input_tensor=tensor)
    expected = to_numpy(rewired(images))
    rewired.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(to_numpy(loaded(images)), expected, rtol=1e-5)
    assert loaded.count_params() == rewired.count_params()
    save_weights(rewired, tmp_path / "model.weights.h5")
    fresh = PlainResNet20(
        weights=tmp_path / "model.weights.h5", input_shape=(8, 8, 3)
    )
    np.testing.assert_allclose(to_numpy(fresh(images)), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(8, 8, 3), [8, 8, 3]])
def test_an_agreeing_shape_is_fine(shape):
    model = PlainResNet20(
        input_tensor=keras.Input((8, 8, 3)), input_shape=shape
    )
    assert model.input_shape == (None, 8, 8, 3)


def test_another_shape_is_not():
    with pytest.raises(ValueError) as error:
        PlainResNet20(
            input_tensor=keras.Input((8, 8, 3)), input_shape=(8, 9, 3)
        )
    assert "must agree with `input_tensor`" in str(error.value)
    assert (
        "Received: input_shape=(8, 9, 3), a tensor of shape (8, 8, 3)"
        in str(error.value)
    )


def test_arrays_are_no_input_tensors(images):
    rule = "`input_tensor` must be a Keras tensor.*Received: ndarray"
    with pytest.raises(ValueError, match=rule):
        PlainResNet20(input_tensor=images)
