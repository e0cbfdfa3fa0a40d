"""OpenVINO runs the ONNX files as they are.

Tried with 2026.4.1. Integers want the hint below; those of a twin that pads the
channels of its shortcuts OpenVINO refuses.
"""

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.applications import PlainMobileNet, PlainResNet
from keras_pnnh.deployment import run_file

pytestmark = [pytest.mark.slow, pytest.mark.torch_only]


def networks():
    small = {"input_shape": (16, 16, 3), "classes": 3}
    return {
        "chain": PlainResNet((1, 1), (4, 8), **small),
        "twin": PlainResNet((1, 1), (4, 8), internal_path="residual", **small),
        "mobilenet": PlainMobileNet(
            (1, 2), (8, 8), (1, 2), stem_filters=8, last_filters=16,
            stem="3x3", **small,
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("chain", "onnx"),
        ("twin", "onnx"),
        ("mobilenet", "onnx"),
        ("chain", "onnx_int8"),
        ("mobilenet", "onnx_int8"),
    ],
)
def test_it_computes_what_onnxruntime_computes(name, format, tmp_path):
    openvino = pytest.importorskip("openvino")
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(0, 255, (24, 16, 16, 3))
    images = images.astype("float32")
    path = tmp_path / "network.onnx"
    keras_pnnh.export(
        networks()[name],
        path,
        format,
        representative=images if format == "onnx_int8" else None,
    )
    compiled = openvino.Core().compile_model(
        openvino.Core().read_model(path),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    found = compiled(images)[0]
    expected = run_file(path, format, images)
    tolerance = 1e-5 if format == "onnx" else 0.03
    np.testing.assert_allclose(found, expected, atol=tolerance)
