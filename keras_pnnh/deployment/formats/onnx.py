"""ONNX: onnxruntime and the compilers of many makers of hardware."""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import torch_program
from keras_pnnh.deployment.formats.format import (
    Format,
    as_file_takes,
    signature_of,
)
from keras_pnnh.deployment.padding import absorb_padding

# Where ONNX and NumPy use other names.
DTYPES = {"float": "float32", "double": "float64"}


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write one file with weights, for batches of any size."""
    if keras.backend.backend() == "torch":
        _write_from_torch(model, path)
        return
    _teach_erfc()
    model = absorb_padding(model, "onnx")
    model.export(
        str(path),
        format="onnx",
        verbose=False,
        input_signature=signature_of(model),
    )


def _write_from_torch(model, path):
    import torch

    # Keras would take the older exporter for a batch of any size, which does
    # not know all operations.
    program = torch_program.trace(model)
    torch.onnx.export(program, dynamo=True, verbose=False).save(str(path))
    _simplify(path)


def _simplify(path):
    """Let onnxruntime take out what every reader would have to.

    torch computes with the channels first, Keras with the channels last: torch
    writes two transpositions around every convolution. Those of onnxruntime's
    rewritings that hold on any hardware leave one or two of all, and put the
    biases into the convolutions.
    """
    import onnxruntime
    from onnx import (
        load,  # pyright: ignore[reportAttributeAccessIssue]
        save,  # pyright: ignore[reportAttributeAccessIssue]
    )

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    )
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(
        Path(path).read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    model = load(path)
    # It also lists its own operators, of which the file has none.
    used = {node.domain for node in model.graph.node}
    versions = [known for known in model.opset_import if known.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(versions)
    save(model, path)


def _teach_erfc():
    """Tell tf2onnx of `erfc`, which TensorFlow's GELU calls.

    tf2onnx 1.17 does not know it, says so in its log alone, and writes a file
    that onnxruntime refuses.
    """
    from tf2onnx import handler, utils

    class Erfc:
        @classmethod
        def version_9(cls, context, node, **options):
            """1 - erf(x)."""
            (results,) = node.output
            shape, dtype = (
                context.get_shape(results),
                context.get_dtype(results),
            )
            context.remove_node(node.name)
            one = np.ones((), utils.map_onnx_to_numpy_type(dtype))
            one = context.make_const(utils.make_name(node.name), one)
            erf = context.make_node("Erf", node.input, dtypes=[dtype])
            context.make_node(
                "Sub",
                [one.output[0], erf.output[0]],
                outputs=[results],
                shapes=[shape],
                dtypes=[dtype],
            )

    handler.tf_op("Erfc")(Erfc)


def open_file(
    path: str | Path, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to results, run on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    given = session.get_inputs()[0]

    def run(images):
        return session.run(None, {given.name: images})[0]

    dtype = given.type.removeprefix("tensor(").removesuffix(")")
    size = given.shape[0] if isinstance(given.shape[0], int) else None
    return as_file_takes(run, DTYPES.get(dtype, dtype), size)


def annotate(path: str | Path, metadata: Mapping[str, str]) -> None:
    """Put names and values into the metadata of a file."""
    from onnx import (
        helper,  # pyright: ignore[reportAttributeAccessIssue]
        load,  # pyright: ignore[reportAttributeAccessIssue]
        save,  # pyright: ignore[reportAttributeAccessIssue]
    )

    model = load(path)
    helper.set_model_props(model, dict(metadata))
    save(model, path)


FORMAT = Format(
    name="onnx",
    suffix=".onnx",
    runtime="onnxruntime",
    # TensorFlow's graph keeps the channels last and has fewer transpositions.
    backends=("tensorflow", "torch"),
    packages=("onnxruntime",),
    converters={
        "tensorflow": ("onnx", "tf2onnx"),
        "torch": ("onnx", "onnxscript"),
    },
    write=write,
    open=open_file,
    annotate=annotate,
)
