import keras
import numpy as np
import pytest
from harness import check_gradients, check_layer, randomize, to_numpy

from keras_pnnh.layers import Coder, PlainConv2D, SharedKernel
from keras_pnnh.layers.plain_conv2d import NORMS


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def test_is_a_well_behaved_layer(tmp_path):
    kwargs = {
        "channels": 4,
        "filters": 5,
        "kernel_size": 5,
        "gain": 0.5,
        "axis": 1,
        "code_channels": 2,
    }
    check_layer(SharedKernel, kwargs, [(2, 6, 6, 6)], 1, tmp_path)


def test_hands_out_the_leading_channels():
    shared = SharedKernel(4, 5)
    whole = to_numpy(shared(normal(1, 6, 6, 4)))
    assert whole.shape == (3, 3, 4, 5)
    part = to_numpy(shared(normal(1, 6, 6, 3)))
    np.testing.assert_array_equal(part, whole[:, :, :3])


def test_channels_of_a_code_come_on_top():
    shared = SharedKernel(4, 5, code_channels=2)
    whole = to_numpy(shared(normal(1, 6, 6, 6)))
    assert whole.shape == (3, 3, 4, 5)
    part = to_numpy(shared(normal(1, 6, 6, 3)))
    np.testing.assert_array_equal(part, whole[:, :, :1])
    with pytest.raises(ValueError, match="code_channels=2 with 2 input"):
        shared(normal(1, 6, 6, 2))
    with pytest.raises(ValueError, match="code_channels=-1. *$"):
        SharedKernel(4, 5, code_channels=-1)


def test_the_gain_scales_the_initial_kernel():
    shared = SharedKernel(32, 64, gain=0.3)
    shared.build((None, 6, 6, 32))
    he = np.sqrt(2 / (9 * 32))
    assert np.std(to_numpy(shared.kernel)) == pytest.approx(0.3 * he, rel=0.03)


def test_refuses_more_channels_than_it_has():
    with pytest.raises(ValueError, match="at most as many") as caught:
        SharedKernel(4, 5)(normal(1, 6, 6, 6))
    assert "inputs of shape (1, 6, 6, 6)" in str(caught.value)


@pytest.mark.parametrize("with_coder", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_a_convolution_with_it_equals_one_with_the_same_kernel(
    norm, with_coder
):
    x = normal(4, 5, 6, 3)
    coder = normal(3, 5) if with_coder else None
    own = PlainConv2D(5, 3, 2, norm, learner_gain=0.5)
    user = PlainConv2D(5, 3, 2, norm, learner_gain=0.5)
    shared = SharedKernel(3, 5)
    own(x, coder)
    randomize(own, seed=1)
    user(x, coder, shared(x))
    shared.kernel.assign(to_numpy(own.kernel))
    others = [weight for weight in own.weights if weight is not own.kernel]
    user.set_weights([to_numpy(weight) for weight in others])
    for training in (False, True):
        np.testing.assert_array_equal(
            to_numpy(user(x, coder, shared(x), training=training)),
            to_numpy(own(x, coder, training=training)),
        )


def test_two_layers_train_one_kernel(tmp_path):
    x = keras.Input((6, 6, 4))
    shared, coder = SharedKernel(4, 4, name="kernel2"), Coder(4)
    y = x
    for number in (1, 2):
        layer = PlainConv2D(4, name=f"conv{number}")
        y = keras.layers.ReLU()(
            layer(y, coder(y, part="decoder"), learner_kernel=shared(y))
        )
    model = keras.Model(x, y)
    kernels = [v for v in model.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 1
    images = normal(4, 6, 6, 4)
    check_gradients(model, [images])
    randomize(model, seed=1)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.count_params() == model.count_params()
    np.testing.assert_allclose(
        to_numpy(loaded(images)), to_numpy(model(images)), rtol=1e-5
    )


def test_a_layer_keeps_to_the_kernel_of_its_first_call():
    x = normal(1, 6, 6, 4)
    shared = SharedKernel(4, 5)
    own, user = PlainConv2D(5, name="own"), PlainConv2D(5, name="user")
    own(x)
    user(x, learner_kernel=shared(x))
    assert user.kernel is None
    with pytest.raises(ValueError, match="'own' was built with a kernel of"):
        own(x, learner_kernel=shared(x))
    with pytest.raises(ValueError, match="'user' was built with a learner's"):
        user(x)
    with pytest.raises(ValueError, match="must have shape") as caught:
        PlainConv2D(6)(x, learner_kernel=shared(x))
    assert "learner_kernel of shape (3, 3, 4, 5)" in str(caught.value)
