"""A network that somebody fine-tuned, with statistics as images leave them."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_pnnh import audit, from_residual, write_out

FILE = os.environ.get("KERAS_PNNH_REAL_MODEL", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.torch_only,
    pytest.mark.skipif(
        not Path(FILE).is_file(),
        reason="KERAS_PNNH_REAL_MODEL names no file: a MobileNetV2 in HDF5",
    ),
]


def labels(model, images):
    made = model(images, training=False)
    return keras.ops.convert_to_numpy(made).argmax(-1)


def test_a_real_mobilenet_v2_keeps_its_labels():
    model = keras.models.load_model(FILE, compile=False)
    size = model.input_shape[1:]
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (4, 8, 8, 3))  # of some coarseness
    images = images.repeat(size[0] // 8, 1).repeat(size[1] // 8, 2)
    images = images.astype("float32")
    want = labels(model, images)
    chain, certificate = from_residual(model)
    assert certificate.exact and certificate.left_out == 0
    written_out = write_out(chain)
    np.testing.assert_array_equal(labels(chain, images), want)
    np.testing.assert_array_equal(labels(written_out, images), want)
    report = audit(written_out)
    assert report.plain and report.pass_through_channels == 0
    assert report.macs == certificate.written_out_macs
    assert "keras_pnnh" not in written_out.to_json()
