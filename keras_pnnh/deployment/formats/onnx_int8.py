"""ONNX in 8-bit integers, quantised after training (QDQ)."""

import importlib
import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import onnx
from keras_pnnh.deployment.quantization.levels import LEVELS, levels_for_pairs
from keras_pnnh.deployment.quantization.rounding import kernel_scale

# What brings pixels to the range of the first kernel.
SCALING = ("Mul", "Div", "Add", "Sub", "Cast", "Transpose")
# What has a kernel for its second input.
KERNELS = ("Conv", "Gemm", "MatMul")


def write(
    model: keras.Model, path: str | Path, representative: np.ndarray
) -> None:
    """Write kernels and activations that count from 0 to 255.

    Of signed kernels a processor without VNNI adds pairs of products in 16
    bits, which overflow; of unsigned ones it does not.
    """
    quantize(model, path, representative)
    make_unsigned(path)


def quantize(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray,
    pairs: bool = False,
) -> None:
    """Write pairs of `QuantizeLinear` and `DequantizeLinear` around operators.

    Kernels have a scale for each output channel, activations one in all.
    Images go in and results come out as the model has them. What scales pixels
    stays float32, or they would be rounded three times; so does a softmax at
    the end, since 256 levels are few for probabilities.

    Args:
        model: A Keras model.
        path: Of the file.
        representative: Images by which the ranges are chosen.
        pairs: Whether the runtime adds products of neighbours in 16 bits.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        whole, plain = Path(folder) / "whole.onnx", Path(folder) / "plain.onnx"
        onnx.write(model, whole)
        quant_pre_process(str(whole), str(plain), skip_symbolic_shape=True)
        name, outside = _describe(plain)
        quantization.quantize_static(
            str(plain),
            str(path),
            _Images(name, representative),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=outside,
            extra_options={
                "TensorQuantOverrides": _ranges_for_pairs(plain)
                if pairs
                else {}
            },
        )


class _Images:
    """What onnxruntime calibrates with: one image at a time."""

    def __init__(self, name, images):
        self._feeds = iter([{name: image[None]} for image in images])

    def get_next(self):
        return next(self._feeds, None)


def _describe(path):
    """Name of the input, and of what stays float32 at both ends."""
    graph = importlib.import_module("onnx").load(path).graph
    results = {result.name for result in graph.output}
    outside = [
        node.name
        for node in graph.node
        if node.op_type == "Softmax" and results & set(node.output)
    ]
    name = reached = graph.input[0].name
    for node in graph.node:
        if reached not in node.input:
            continue
        if node.op_type not in SCALING:
            break
        outside.append(node.name)
        reached = node.output[0]
    return name, outside


def _ranges_for_pairs(path):
    """The range of every output channel of every kernel in a file."""
    package = importlib.import_module("onnx")
    graph = package.load(path).graph
    kept = {tensor.name: tensor for tensor in graph.initializer}
    ranges = {}
    for node in graph.node:
        if node.op_type not in KERNELS or node.input[1] not in kept:
            continue
        kernel = package.numpy_helper.to_array(kept[node.input[1]])
        turned = any(
            part.name == "transB" and part.i for part in node.attribute
        )
        if node.op_type == "Conv":
            axis, kernel = 0, kernel.transpose(2, 3, 1, 0)
        else:
            axis, kernel = (0, kernel.T) if turned else (1, kernel)
        scale = kernel_scale(kernel, False, levels_for_pairs(kernel))
        ranges[node.input[1]] = [
            {"axis": axis, "rmin": -limit, "rmax": limit}
            for limit in LEVELS * scale.ravel()
        ]
    return ranges


def make_unsigned(path: str | Path) -> None:
    """Add 128 to a file's kernels and to their zeros: they stand for the same.

    Args:
        path: The file, changed in place.
    """
    package = importlib.import_module("onnx")
    network = package.load(path)
    kept = {tensor.name: tensor for tensor in network.graph.initializer}
    for node in network.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in kept:
            continue
        for name in (node.input[0], node.input[2]):
            values = package.numpy_helper.to_array(kept[name])
            if values.dtype == np.int8:
                values = (values.astype("int16") + 128).astype("uint8")
                kept[name].CopyFrom(
                    package.numpy_helper.from_array(values, name)
                )
    package.save(network, path)


FORMAT = onnx.FORMAT._replace(
    name="onnx_int8", write=write, tolerance=None, quantized=True
)
