import json

import keras
import numpy as np
import pytest

from keras_pnnh.training import evaluate


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
