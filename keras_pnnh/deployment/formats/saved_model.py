"""TensorFlow SavedModel: a folder, for TensorFlow and TensorFlow Serving."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import (
    Format,
    as_file_takes,
    signature_of,
)
from keras_pnnh.deployment.padding import absorb_padding


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write the network's graph and weights into a new folder."""
    model = absorb_padding(model, "tensorflow")
    model.export(
        str(path),
        format="tf_saved_model",
        verbose=False,
        input_signature=signature_of(model),
    )


def open_file(
    path: str | Path, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to results, run as TensorFlow's graph."""
    import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    loaded = tf.saved_model.load(str(path))

    def run(images):
        return loaded.serve(tf.constant(images)).numpy()

    signature = loaded.signatures["serving_default"]
    (given,) = signature.structured_input_signature[1].values()
    return as_file_takes(run, given.dtype.as_numpy_dtype, given.shape[0])


FORMAT = Format(
    name="saved_model",
    suffix="",
    runtime="tensorflow",
    backends=("tensorflow",),
    packages=(),
    write=write,
    open=open_file,
    runs_in="tensorflow",
)
