"""LiteRT (once TensorFlow Lite) in float32: phones and small computers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import (
    Format,
    as_file_takes,
    signature_of,
)
from keras_pnnh.deployment.formats.litert_metadata import annotate
from keras_pnnh.deployment.padding import absorb_padding


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write a flat buffer that holds LiteRT's own operations only."""
    import tensorflow as tf

    convert(model, path, operations=tf.lite.OpsSet.TFLITE_BUILTINS)


def convert(
    model: keras.Model, path: str | Path, operations: Any, **settings: Any
) -> None:
    """Run the converter; `settings` are attributes of it."""
    # Keras would also allow TensorFlow's operations, which the runtime of a
    # device does not have: better an error here than there.
    model = absorb_padding(model, "litert")
    model.export(
        str(path),
        format="litert",
        verbose=False,
        input_signature=signature_of(model),
        target_spec={"supported_ops": [operations]},
        **settings,
    )


def open_file(
    path: str | Path, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to results."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    given = interpreter.get_input_details()[0]
    place = given["index"]
    result = interpreter.get_output_details()[0]["index"]
    shape = None

    def run(images):
        nonlocal shape
        if images.shape != shape:
            shape = images.shape
            interpreter.resize_tensor_input(place, images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    size = int(given["shape_signature"][0])
    return as_file_takes(run, given["dtype"], None if size < 0 else size)


FORMAT = Format(
    name="litert",
    suffix=".tflite",
    runtime="ai_edge_litert",
    backends=("tensorflow",),
    packages=("ai_edge_litert",),
    write=write,
    open=open_file,
    annotate=annotate,
    open_sizes=False,
)
