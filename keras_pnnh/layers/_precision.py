"""What is computed in more than half precision."""

import keras


def at_least_float32(x):
    """The dtype of a tensor, or float32 for one in half precision.

    Not `keras.backend.result_type`, which makes float32 of float64 and float32.
    """
    dtype = keras.backend.standardize_dtype(x.dtype)
    return dtype if dtype == "float64" else "float32"
