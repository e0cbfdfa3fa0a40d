import json

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.applications import PlainResNet, PlainResNet20
from keras_pnnh.data import LabelledImages
from keras_pnnh.data_format import data_format_of
from keras_pnnh.training import evaluate, train


@pytest.mark.parametrize("batch_size", [7, 250])
def test_equals_numpy(make_model, tiny_data, batch_size):
    model = make_model(classifier_activation="softmax")
    images = tiny_data.images.astype("float32")
    probabilities = keras.ops.convert_to_numpy(model(images, training=False))
    guesses = probabilities.argmax(axis=-1)
    losses = -np.log(probabilities[np.arange(36), tiny_data.labels])
    result = evaluate(model, tiny_data, batch_size)
    assert result["images"] == 36
    assert result["accuracy"] == round(
        float((guesses == tiny_data.labels).mean()), 6
    )
    np.testing.assert_allclose(result["loss"], losses.mean(), rtol=1e-4)


def test_leaves_the_model_as_it_was(make_model, tiny_data):
    model = make_model(classifier_activation="softmax")
    before = model.get_weights()
    evaluate(model, tiny_data)
    assert not model.compiled
    for found, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_result_goes_into_the_record(make_model, tiny_data, tmp_path):
    model = make_model(classifier_activation="softmax")
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"seed": 5}))
    result = evaluate(model, tiny_data, run=tmp_path)
    assert json.loads(path.read_text()) == {"seed": 5, "test": result}


def test_missing_record_is_found_first(make_model, tiny_data, tmp_path):
    model = make_model(classifier_activation="softmax")
    with pytest.raises(FileNotFoundError, match="holds 'record.json'"):
        evaluate(model, tiny_data, run=tmp_path)
    assert not list(tmp_path.iterdir())


def test_damaged_record_is_kept(make_model, tiny_data, tmp_path):
    model = make_model(classifier_activation="softmax")
    (tmp_path / "record.json").write_text('{"seed": ')
    with pytest.raises(ValueError, match="must be valid JSON"):
        evaluate(model, tiny_data, run=tmp_path)
    assert (tmp_path / "record.json").read_text() == '{"seed": '


@pytest.mark.parametrize("text", ["[]", "null", "3"])
def test_record_of_another_shape_is_kept(make_model, tiny_data, tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(ValueError, match="must hold a JSON object"):
        evaluate(make_model(), tiny_data, run=tmp_path)
    assert (tmp_path / "record.json").read_text() == text


def on_top(model, *layers):
    outputs = model.outputs[0]
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(model.inputs, outputs)


@pytest.mark.slow_on_jax
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model,
        keras_pnnh.fold,
        lambda model: on_top(model, keras.layers.Softmax()),
        lambda model: on_top(model, keras.layers.Activation("softmax")),
        lambda model: on_top(model, keras.layers.Activation("log_softmax")),
        lambda model: on_top(
            model, keras.layers.Softmax(), keras.layers.Reshape((3,))
        ),
        lambda model: on_top(
            model, keras.layers.Softmax(), keras.layers.Rescaling(1.0)
        ),
        lambda model: keras_pnnh.fold(on_top(model, keras.layers.Softmax())),
        lambda model: keras.Sequential([model, keras.layers.Softmax()]),
        lambda model: Doubled(model.inputs, model.outputs),
    ],
    ids=[
        *("logits", "folded", "softmax", "activation", "log_softmax"),
        *("reshaped", "rescaled", "folded softmax", "sequential", "own call"),
    ],
)
def test_the_network_decides_about_the_loss(make_model, tiny_data, change):
    right = evaluate(make_model(classifier_activation="softmax"), tiny_data)
    model = change(make_model())
    found = evaluate(model, tiny_data)
    if isinstance(model, Doubled):
        assert found["loss"] != pytest.approx(right["loss"], abs=1e-4)
        right = evaluate(
            on_top(make_model(), keras.layers.Rescaling(2.0)), tiny_data
        )
    assert found["loss"] == pytest.approx(right["loss"], abs=1e-4)
    assert found["accuracy"] == right["accuracy"]


class Doubled(keras.Model):
    """Its `call` is what it computes, and its graph is not."""

    def call(self, inputs, training=None):
        return 2 * super().call(inputs, training=training)


def test_input_tensor_decides_nothing(tiny_data):
    def build(**arguments):
        keras.utils.set_random_seed(0)
        return PlainResNet20(classes=3, **arguments)

    right = evaluate(build(input_shape=(8, 8, 3)), tiny_data)
    rewired = build(
        classifier_activation=None, input_tensor=keras.Input((8, 8, 3))
    )
    assert evaluate(rewired, tiny_data)["loss"] == pytest.approx(
        right["loss"], abs=1e-4
    )


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Activation("sigmoid"),
        keras.layers.Activation("relu"),
        keras.layers.Lambda(keras.ops.sigmoid),
    ],
    ids=["sigmoid", "relu", "lambda"],
)
@pytest.mark.parametrize("use", ["evaluate", "train"])
def test_neither_logits_nor_probabilities(
    make_model, tiny_data, tiny_recipe, tmp_path, layer, use
):
    model = on_top(make_model(), layer)
    with pytest.raises(ValueError, match="must return logits, or probab"):
        if use == "evaluate":
            evaluate(model, tiny_data)
        else:
            train(model, tiny_data, tiny_recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("change", [keras_pnnh.fold, lambda model: model])
def test_training_looks_at_the_network(
    make_model, tiny_data, tiny_recipe, tmp_path, change
):
    model = change(on_top(make_model(), keras.layers.Softmax()))
    with pytest.raises(ValueError, match="classifier_activation=None"):
        train(model, tiny_data, tiny_recipe, tmp_path / "run")


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow",
    reason="TensorFlow has no channels-first convolutions on a CPU",
)
def test_channels_first_after_fold(tiny_data):
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        model = PlainResNet((1,), (8,), classes=3, input_shape=(3, 8, 8))
    finally:
        keras.config.set_image_data_format(before)
    right = evaluate(model, tiny_data)
    folded = keras_pnnh.fold(model)
    assert evaluate(folded, tiny_data)["loss"] == pytest.approx(
        right["loss"], abs=1e-4
    )


def shaped(*shape, data_format="channels_last"):
    inputs = keras.Input(shape)
    x = keras.layers.GlobalAveragePooling2D(data_format=data_format)(inputs)
    inner = keras.Model(inputs, x)
    outer = keras.Input(shape)
    return keras.Model(outer, inner(outer))


@pytest.mark.parametrize(
    "model, wanted",
    [
        (shaped(8, 8, 3), "channels_last"),
        (shaped(3, 8, 8), "channels_first"),
        (shaped(3, 3, 3), "channels_last"),
        (shaped(3, 3, 3, data_format="channels_first"), "channels_first"),
        (shaped(None, None, 3), "channels_last"),
        (shaped(3, None, None, data_format="channels_first"), "channels_first"),
    ],
)
def test_data_format_is_that_of_the_network(model, wanted):
    assert data_format_of(model) == wanted


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(make_model, tiny_data, value):
    model = make_model()
    variable = model.trainable_variables[-1]
    variable.assign(np.full(variable.shape, value))
    with pytest.raises(FloatingPointError, match="finite values. Received"):
        evaluate(model, tiny_data)


@pytest.fixture(scope="module")
def finished(make_model, tiny_data, tiny_recipe, tmp_path_factory):
    model = make_model()
    folder = tmp_path_factory.mktemp("evaluation") / "run"
    train(model, tiny_data, tiny_recipe, folder)
    return model, folder


def part(data, chosen):
    return LabelledImages(
        data.images[chosen], data.labels[chosen], data.class_names
    )


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "chosen",
    [slice(None), slice(None, None, -1), slice(0, 5), slice(30, 31)],
    ids=["all", "backwards", "some", "one"],
)
def test_images_of_the_run_give_no_test_accuracy(finished, tiny_data, chosen):
    model, folder = finished
    before = (folder / "record.json").read_bytes()
    data = part(tiny_data, chosen)
    seen = len(data.labels)
    with pytest.raises(ValueError, match=f"{seen} images, {seen} of which"):
        evaluate(model, data, run=folder)
    assert (folder / "record.json").read_bytes() == before
    assert evaluate(model, data)["images"] == seen


def test_one_image_in_a_hundred_may_be_the_same(finished, tiny_data):
    model, folder = finished
    images = np.random.default_rng(5).integers(
        0, 256, (100, 8, 8, 3), dtype=np.uint8
    )
    images[7] = tiny_data.images[3]
    data = LabelledImages(images, np.arange(100) % 3, tiny_data.class_names)
    assert evaluate(model, data, run=folder)["images"] == 100
    images[8] = tiny_data.images[30]
    with pytest.raises(ValueError, match="100 images, 2 of which"):
        evaluate(model, data, run=folder)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY"])
def test_damaged_fingerprints(finished, tiny_data, tmp_path, content):
    model, folder = finished
    (tmp_path / "record.json").write_bytes(
        (folder / "record.json").read_bytes()
    )
    (tmp_path / "images.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"Received: .*images\.npy"):
        evaluate(model, tiny_data, run=tmp_path)
