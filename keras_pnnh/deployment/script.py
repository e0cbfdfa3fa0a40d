"""Ten lines that run an exported file without Keras."""

import json
from pathlib import Path

from keras_pnnh.deployment.formats.format import Format

_RUN = {
    "onnxruntime": (
        "import onnxruntime",
        [
            "session = onnxruntime.InferenceSession({path})",
            "name = session.get_inputs()[0].name",
            "results = session.run(None, {{name: images}})[0]",
        ],
    ),
    "ai_edge_litert": (
        "from ai_edge_litert.interpreter import Interpreter",
        [
            "interpreter = Interpreter({path})",
            "place = interpreter.get_input_details()[0]['index']",
            "interpreter.resize_tensor_input(place, images.shape)",
            "interpreter.allocate_tensors()",
            "interpreter.set_tensor(place, images)",
            "interpreter.invoke()",
            "place = interpreter.get_output_details()[0]['index']",
            "results = interpreter.get_tensor(place)",
        ],
    ),
    "openvino": (
        "import openvino",
        [
            # Else it computes in bfloat16 where a processor has it.
            "precise = {{'INFERENCE_PRECISION_HINT': 'f32'}}",
            "core = openvino.Core()",
            "network = core.compile_model({path}, 'CPU', precise)",
            "results = network(images)[0]",
        ],
    ),
    "tensorflow": (
        "import tensorflow as tf",
        [
            "network = tf.saved_model.load({path})",
            "results = network.serve(tf.constant(images)).numpy()",
        ],
    ),
    "torch": (
        "import torch",
        [
            "network = torch.export.load({path}).module()",
            "results = network(torch.from_numpy(images)).detach().numpy()",
        ],
    ),
}


def script_for(
    format: Format,
    path: str | Path,
    input_shape: tuple,
    dtype: str,
    channels_first: bool = False,
) -> str:
    """A script that classifies a picture with an exported file.

    Args:
        format: The format of the file.
        path: The file.
        input_shape: What it takes, with the batch; None for open sizes.
        dtype: The type of what it takes.
        channels_first: Whether the channels come before the rows.

    Returns:
        The script. `python script.py picture.jpg` prints the number of the
        largest result. For a network of anything but pictures of three or one
        channels it makes images of zeros.
    """
    batch, *sizes = input_shape
    channels = sizes[0 if channels_first else -1] if len(sizes) == 3 else None
    importing, running = _RUN[format.runtime]
    lines = ["import sys", "", "import numpy as np", importing]
    if channels in (1, 3):
        pixels = sizes[1:] if channels_first else sizes[:2]
        resize = ""
        if None not in pixels:
            resize = f".resize({tuple(reversed(pixels))})"
        mode = "RGB" if channels == 3 else "L"
        lines += [
            "from PIL import Image",
            "",
            f'picture = Image.open(sys.argv[1]).convert("{mode}"){resize}',
            f'images = np.asarray(picture, "{dtype}")[None]',
        ]
        if channels == 1:
            lines.append("images = images[..., None]")
        if channels_first:
            lines.append("images = images.transpose(0, 3, 1, 2).copy()")
        if batch is not None and batch > 1:
            lines.append(f"images = np.repeat(images, {batch}, 0)")
    else:
        shape = tuple(1 if size is None else size for size in input_shape)
        lines += ["", f'images = np.zeros({shape}, "{dtype}")']
    file = str(Path(path) / format.graph)
    name = json.dumps(file, ensure_ascii=False)
    lines += [line.replace("'", '"').format(path=name) for line in running]
    lines.append("print(results[0].argmax(-1), results[0].max(-1))")
    return "\n".join(lines) + "\n"
