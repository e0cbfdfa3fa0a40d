import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_pnnh.analysis import Probe
from keras_pnnh.applications import PlainResNet
from tests.harness import CHANNELS_FIRST_WORKS, randomize

pytestmark = pytest.mark.every_backend


def stack(batches):
    batches = list(batches)
    return {
        name: np.concatenate([batch[name] for batch in batches])
        for name in batches[0]
    }


def linear_chain():
    """`y = W2 relu(W1 x)` with weights that are easy to follow by hand."""
    x = keras.Input((2,), name="x")
    hidden = layers.Dense(2, use_bias=False, name="first")(x)
    hidden = layers.ReLU(name="relu")(hidden)
    y = layers.Dense(2, use_bias=False, name="second")(hidden)
    model = keras.Model(x, y)
    model.get_layer("first").set_weights([np.float32([[1, -1], [1, 1]])])
    model.get_layer("second").set_weights([np.float32([[3, 0], [0, 5]])])
    return model


def test_activations_by_hand():
    x = np.float32([[1, 2], [3, -1], [0, 0]])
    found = stack(Probe(linear_chain(), "*", batch_size=2).activations(x))
    np.testing.assert_allclose(found["first"], [[3, 1], [2, -4], [0, 0]])
    np.testing.assert_allclose(found["relu"], [[3, 1], [2, 0], [0, 0]])
    np.testing.assert_allclose(found["second"], [[9, 5], [6, 0], [0, 0]])


def test_gradients_by_hand():
    x = np.float32([[1, 2], [3, -1], [1, 5]])

    def first_output(labels, outputs):
        return labels * outputs[:, 0]

    probe = Probe(linear_chain(), "*", batch_size=2)
    labels = np.float32([1, 1, 2])
    found = stack(probe.gradients(x, labels, first_output))
    np.testing.assert_allclose(found["second"], [[1, 0], [1, 0], [2, 0]])
    np.testing.assert_allclose(found["relu"], [[3, 0], [3, 0], [6, 0]])
    np.testing.assert_allclose(found["first"], [[3, 0], [3, 0], [6, 0]])


def test_gradient_of_the_cross_entropy():
    x = np.float32([[0.1, 0.2], [0.3, 0.1]])
    logits = linear_chain()
    softmax = keras.Model(
        logits.inputs, layers.Softmax(name="softmax")(logits.outputs[0])
    )
    classifier = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2, activation="softmax", name="head")]
    )
    labels = np.array([0, 1])
    found = stack(Probe(logits, "second").gradients(x, labels))
    share = stack(Probe(softmax, "softmax").activations(x))["softmax"]
    np.testing.assert_allclose(found["second"], share - np.eye(2), atol=1e-6)
    gradients = stack(Probe(classifier, "head").gradients(x, labels))
    outputs = stack(Probe(classifier, "head").activations(x))["head"]
    np.testing.assert_allclose(
        gradients["head"], -np.eye(2) / outputs, rtol=1e-4
    )


def test_random_projection_is_the_same_for_every_image():
    found = stack(
        Probe(linear_chain(), "second", batch_size=2).gradients(np.ones((5, 2)))
    )
    assert found["second"].std(axis=0).max() == 0
    assert np.abs(found["second"]).min() > 0


@pytest.mark.parametrize("internal_path", ["coder", "residual", "none"])
def test_taps_agree_with_the_models_own_features(images, internal_path):
    model = PlainResNet(
        (1, 1), (4, 8), input_shape=(8, 8, 3), internal_path=internal_path
    )
    randomize(model, seed=0)
    found = stack(Probe(model, batch_size=3).activations(images))
    for name, array in found.items():
        tensor = model.get_layer(name).output
        features = keras.Model(model.inputs, tensor).predict(images, verbose=0)
        np.testing.assert_allclose(array, features, rtol=1e-4, atol=1e-4)


def test_gradients_equal_finite_differences(images):
    """The gradient by a tap is that of the rest of the network."""
    x = keras.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3, activation="tanh", name="tap")(x)
    y = layers.Conv2D(2, 3, activation="gelu", name="end")(hidden)
    model = keras.Model(x, y)
    rest = keras.Model(hidden, y)
    images = images / 255
    (found,) = Probe(model, ["tap", "end"]).gradients(images)
    (values,) = Probe(model, "tap").activations(images)
    weights = found["end"]
    step = np.zeros_like(values["tap"])
    step[2, 3, 1, 0] = 1e-2

    def loss(tensor):
        output = ops.convert_to_numpy(rest(ops.convert_to_tensor(tensor)))
        return float(np.sum(output.astype("float64") * weights))

    slope = (loss(values["tap"] + step) - loss(values["tap"] - step)) / 2e-2
    assert found["tap"][2, 3, 1, 0] == pytest.approx(slope, rel=0.02)


def test_the_model_is_not_changed(images):
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.Dropout(0.5, name="dropout")(y)
    model = keras.Model(x, layers.ReLU(name="relu")(y))
    before = [np.array(ops.convert_to_numpy(v)) for v in model.variables]
    probe = Probe(model, "*", training=True)
    found = stack(probe.activations(images))
    list(probe.gradients(images))
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, ops.convert_to_numpy(variable))
    # As in training: normalised by the batch, and half is dropped.
    assert np.abs(found["norm"].mean(axis=(0, 1, 2))).max() < 1e-4
    assert 0.4 < np.mean(found["dropout"] == 0) < 0.6
    assert model.get_layer("relu").output is model.outputs[0]


def test_training_reaches_nested_layers(images):
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.BatchNormalization(name="norm")]
    )
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, layers.ReLU(name="relu")(inner(x)))
    for training in (True, False):
        probe = Probe(model, "norm", training=training)
        (found,) = probe.activations(images)
        assert (found["norm"].mean() < 1) == training


@pytest.mark.skipif(not CHANNELS_FIRST_WORKS, reason="TensorFlow on a CPU")
def test_channels_are_last_whatever_the_model(images):
    models = [
        PlainResNet((1,), (4,), data_format=data_format, input_shape=shape)
        for data_format, shape in (
            ("channels_last", (8, 8, 3)),
            ("channels_first", (3, 8, 8)),
        )
    ]
    models[1].set_weights(models[0].get_weights())
    last = stack(Probe(models[0]).activations(images))
    first = stack(Probe(models[1]).activations(np.moveaxis(images, -1, 1)))
    for name, array in last.items():
        np.testing.assert_allclose(array, first[name], rtol=1e-3, atol=1e-4)


def test_frozen_and_mixed_precision_models(images):
    model = PlainResNet(
        (1,), (4,), input_shape=(8, 8, 3), dtype="mixed_bfloat16"
    )
    model.trainable = False
    (values,) = Probe(model).activations(images)
    (gradients,) = Probe(model).gradients(images)
    for array in (*values.values(), *gradients.values()):
        assert array.dtype == np.float32
        assert np.abs(array).max() > 0


def test_several_inputs_and_outputs():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    total = layers.Add(name="add")([a, b])
    model = keras.Model([a, b], [layers.ReLU(name="relu")(total), total])
    data = [np.ones((3, 2)), 2 * np.ones((3, 2))]
    (found,) = Probe(model, "*").activations(data)
    np.testing.assert_allclose(found["add"], 3)
    (found,) = Probe(model, "*").gradients(data)
    assert found["add"].shape == (3, 2)


@pytest.mark.parametrize(
    "images", [np.ones((2, 3)), np.ones((0, 2)), [np.ones((2, 2))] * 2]
)
def test_images_that_do_not_fit(images):
    with pytest.raises(ValueError, match=r"inputs of shape \[\(2,\)\]"):
        list(Probe(linear_chain(), "relu").activations(images))


def test_labels_that_do_not_fit():
    with pytest.raises(ValueError, match="as many labels"):
        list(Probe(linear_chain(), "relu").gradients(np.ones((3, 2)), [0, 1]))
