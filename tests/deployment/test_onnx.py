"""What stands in ONNX files."""

import collections

import keras
import pytest

from keras_pnnh.deployment import export
from keras_pnnh.deployment.formats import FORMATS

onnx = pytest.importorskip("onnx")
WRITES = keras.backend.backend() in FORMATS["onnx"].backends


@pytest.mark.skipif(not WRITES, reason="another backend writes it")
def test_what_torch_and_keras_order_otherwise_is_turned_at_the_door(tmp_path):
    """torch alone would write two transpositions around every convolution."""
    x = images = keras.Input((8, 8, 3))
    for width in (4, 6, 5):
        x = keras.layers.Conv2D(width, 3, activation="relu6")(x)
    model = keras.Model(images, x)
    path = tmp_path / "network.onnx"
    report = export(model, path, "onnx")
    file = onnx.load(path)
    onnx.checker.check_model(file)
    found = collections.Counter(node.op_type for node in file.graph.node)
    assert found["Conv"] == 3
    assert found["Transpose"] <= 2  # at the door, and for the result
    domains = {known.domain for known in file.opset_import}
    assert domains <= {"", "ai.onnx.ml"}  # none of onnxruntime's own
    assert report.relative_difference < 1e-5
