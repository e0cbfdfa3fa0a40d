"""TensorFlow SavedModel: a folder, for TensorFlow and TensorFlow Serving."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import Format


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write the network's graph and weights into a new folder."""
    model.export(str(path), format="tf_saved_model", verbose=False)


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

    return run


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
