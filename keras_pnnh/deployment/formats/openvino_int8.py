"""OpenVINO in 8-bit integers, by way of those of ONNX."""

import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import onnx_int8, openvino_ir


def write(
    model: keras.Model, path: str | Path, representative: np.ndarray
) -> None:
    """Write graph and weights of what onnxruntime quantises.

    OpenVINO makes integers of each `QuantizeLinear` that it finds; its own
    tool for quantising is not needed. Unsigned kernels it would compute in
    float32, so here they have a sign, and no pair of them overflows.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        onnx_int8.quantize(model, file, representative, pairs=True)
        openvino_ir.convert(file, path)


FORMAT = openvino_ir.FORMAT._replace(
    name="openvino_int8",
    write=write,
    tolerance=None,
    quantized=True,
    pairs=True,
)
