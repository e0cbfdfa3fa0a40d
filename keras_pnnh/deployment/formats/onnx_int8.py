"""ONNX in 8-bit integers, quantised after training (QDQ)."""

import importlib
import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import onnx


def write(
    model: keras.Model, path: str | Path, representative: np.ndarray
) -> None:
    """Write pairs of `QuantizeLinear` and `DequantizeLinear` around operators.

    Kernels have a scale for each output channel, activations one in all.
    Images go in and results come out as the model has them; a softmax at the
    end stays float32, since 256 levels are few for probabilities.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        whole, plain = Path(folder) / "whole.onnx", Path(folder) / "plain.onnx"
        onnx.write(model, whole)
        quant_pre_process(str(whole), str(plain), skip_symbolic_shape=True)
        name, last = _describe(plain)
        quantization.quantize_static(
            str(plain),
            str(path),
            _Images(name, representative),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            # Seven bits: processors without VNNI add pairs of products in 16.
            reduce_range=True,
            nodes_to_exclude=last,
        )


class _Images:
    """What onnxruntime calibrates with: one image at a time."""

    def __init__(self, name, images):
        self._feeds = iter([{name: image[None]} for image in images])

    def get_next(self):
        return next(self._feeds, None)


def _describe(path):
    """Name of the input, and of the softmax at the end, if there is one."""
    graph = importlib.import_module("onnx").load(path).graph
    results = {result.name for result in graph.output}
    last = [
        node.name
        for node in graph.node
        if node.op_type == "Softmax" and results & set(node.output)
    ]
    return graph.input[0].name, last


FORMAT = onnx.FORMAT._replace(
    name="onnx_int8",
    write=write,
    tolerance=None,
    quantized=True,
    levels=64,  # by `reduce_range`
)
