"""LiteRT in 8-bit integers, quantised after training."""

from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import litert


def write(
    model: keras.Model, path: str | Path, representative: np.ndarray
) -> None:
    """Write integer kernels, scaled by what representative images cause.

    Images go in and results come out as float32, so that the file takes the
    place of the float one; everything between is int8, or an error.
    """
    import tensorflow as tf

    litert.convert(
        model,
        path,
        operations=tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        optimizations=[tf.lite.Optimize.DEFAULT],
        # The converter takes images one by one.
        representative_dataset=lambda: (
            [image[None]] for image in representative
        ),
    )


FORMAT = litert.FORMAT._replace(
    name="litert_int8", write=write, tolerance=None, quantized=True
)
