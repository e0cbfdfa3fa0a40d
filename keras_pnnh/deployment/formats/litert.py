"""LiteRT (once TensorFlow Lite) in float32: phones and small computers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import Format


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
    model.export(
        str(path),
        format="litert",
        verbose=False,
        target_spec={"supported_ops": [operations]},
        **settings,
    )


def open_file(
    path: str | Path, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to results."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    place = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    size = None

    def run(images):
        nonlocal size
        if len(images) != size:
            size = len(images)
            interpreter.resize_tensor_input(place, images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return run


FORMAT = Format(
    name="litert",
    suffix=".tflite",
    runtime="ai_edge_litert",
    backends=("tensorflow",),
    packages=("ai_edge_litert",),
    write=write,
    open=open_file,
)
