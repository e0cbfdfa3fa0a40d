"""OpenVINO: Intel's processors, graphics and NPUs; a folder of two files."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import onnx
from keras_pnnh.deployment.formats.format import Format, as_file_takes

# The graph; the weights are in a file beside it whose name ends in ".bin".
GRAPH = "network.xml"


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write graph and weights into a new folder, by way of ONNX."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        onnx.write(model, file)
        convert(file, path)


def convert(file: str | Path, path: str | Path) -> None:
    """Write an ONNX file's graph and weights into a new folder."""
    import openvino

    _save(openvino.Core().read_model(file), Path(path))


def _save(network, path):
    import openvino

    path.mkdir(exist_ok=True)
    # Half of the bytes in float16 is what OpenVINO does unless told not to.
    openvino.save_model(network, path / GRAPH, compress_to_fp16=False)


def open_file(
    path: str | Path, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to results, run on the CPU in float32."""
    import openvino

    settings: dict[str, str | int] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(
        Path(path) / GRAPH, "CPU", settings
    )
    given = compiled.input(0)
    sizes = given.get_partial_shape()

    def run(images):
        return np.array(compiled(images)[0])

    return as_file_takes(
        run,
        given.get_element_type().to_dtype(),
        sizes[0].get_length() if sizes[0].is_static else None,
    )


def annotate(path: str | Path, metadata: Mapping[str, str]) -> None:
    """Put names and values into the graph's section `keras_pnnh`."""
    import openvino

    graph = Path(path) / GRAPH
    # From memory: the file of weights that is replaced must not be in use.
    network = openvino.Core().read_model(
        graph.read_bytes(), graph.with_suffix(".bin").read_bytes()
    )
    for name, value in metadata.items():
        network.set_rt_info(value, ["keras_pnnh", name])
    _save(network, Path(path))


FORMAT = Format(
    name="openvino",
    suffix="",
    runtime="openvino",
    backends=onnx.FORMAT.backends,
    packages=("openvino",),
    converters=onnx.FORMAT.converters,
    write=write,
    open=open_file,
    annotate=annotate,
    graph=GRAPH,
)
