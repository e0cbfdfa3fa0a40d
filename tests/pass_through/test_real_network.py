"""A network that somebody fine-tuned, with statistics as images leave them.

`KERAS_PNNH_REAL_MODEL` names the file: a MobileNetV2 in HDF5 that takes
pixels from -1 to 1.
"""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_pnnh import audit, export, fold, from_residual, write_out
from keras_pnnh.data import LabelledImages, read_image
from keras_pnnh.pass_through import certify_written_out
from keras_pnnh.samples import sample_images
from keras_pnnh.training import evaluate

FILE = os.environ.get("KERAS_PNNH_REAL_MODEL", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.torch_only,
    pytest.mark.skipif(
        not Path(FILE).is_file(),
        reason="KERAS_PNNH_REAL_MODEL names no file: a MobileNetV2 in HDF5",
    ),
]


@pytest.fixture(scope="module")
def model():
    """The network as a whole: it takes pixels from 0 to 255."""
    loaded = keras.models.load_model(FILE, compile=False)
    inputs = keras.Input(loaded.input_shape[1:])
    pixels = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    return keras.Model(inputs, loaded(pixels))


@pytest.fixture(scope="module")
def chain(model):
    return from_residual(model)


@pytest.fixture(scope="module")
def written_out(chain):
    return write_out(chain[0])


@pytest.fixture(scope="module")
def images(model):
    size = model.input_shape[1:3]
    paths = [sample.path for sample in sample_images()]
    return np.stack([read_image(path, size) for path in paths])


def scores(model, images):
    made = model(images.astype("float32"), training=False)
    return keras.ops.convert_to_numpy(made)


def check_same(made, model, images):
    want, found = scores(model, images), scores(made, images)
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(found.argmax(-1), want.argmax(-1))


def test_its_labels_differ(model, images):
    """Else to keep them would be no feat."""
    assert len(set(scores(model, images).argmax(-1))) > 3


def test_from_residual_keeps_the_labels(model, chain, images):
    made, certificate = chain
    assert certificate.exact and certificate.left_out == 0
    check_same(made, model, images)


def test_written_out_it_is_plain(model, chain, written_out, images):
    check_same(written_out, model, images)
    report = audit(written_out)
    assert report.plain and report.pass_through_channels == 0
    assert report.macs == chain[1].written_out_macs
    assert "keras_pnnh" not in written_out.to_json()


def test_written_out_in_a_range_it_has_no_further_layer(model, chain, images):
    made = write_out(chain[0], images=images)
    check_same(made, model, images)
    before, after = audit(model), audit(made)
    assert after.plain and after.depth == before.depth
    assert after.macs < 1.09 * before.macs
    found = certify_written_out(chain[0], made, images)
    assert found.outcome == "exact within a range" and found.clipped == 0
    assert certify_written_out(chain[0], made, 20 * images).clipped > 0


def test_fold_keeps_the_labels(model, images):
    folded = fold(model)
    check_same(folded, model, images)
    kinds = {type(layer).__name__ for layer in folded.layers}
    assert "BatchNormalization" not in kinds


def test_an_exported_file_has_no_joins(model, written_out, images, tmp_path):
    path = tmp_path / "real.onnx"
    export(written_out, path, "onnx")
    report = audit(path)
    assert report.joins == ()
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    (found,) = session.run(None, {name: images.astype("float32")})
    np.testing.assert_allclose(
        found, scores(model, images), rtol=1e-5, atol=1e-4
    )


def test_evaluate_measures_it(model, chain, written_out, images):
    classes = model.output_shape[-1]
    labels = scores(model, images).argmax(-1)
    names = tuple(f"breed {number}" for number in range(classes))
    data = LabelledImages(images, labels, names)
    results = [evaluate(each, data) for each in (model, chain[0], written_out)]
    assert [result["accuracy"] for result in results] == [1, 1, 1]
    losses = [result["loss"] for result in results]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-3)
