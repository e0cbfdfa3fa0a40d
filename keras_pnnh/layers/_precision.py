"""What is computed in more than half precision."""

from typing import Any

import keras


def at_least_float32(x: Any) -> Any:
    """The dtype of a tensor, or float32 for one in half precision.

    Not `keras.backend.result_type`, which makes float32 of float64 and float32.
    """
    dtype = keras.backend.standardize_dtype(x.dtype)
    return dtype if dtype == "float64" else "float32"
