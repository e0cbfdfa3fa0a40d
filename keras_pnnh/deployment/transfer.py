"""The tensor between two parts of a network, as bytes."""

import struct
from typing import Any

import numpy as np
from keras import ops

DTYPES = ("float32", "float16", "int8")
HEADER = struct.Struct("<BBff")  # dtype, axes, scale, smallest value


def pack(values: Any, dtype: str = "float16") -> bytes:
    """A tensor as bytes to send, with its shape and its scale in front.

    Args:
        values: Array of at most 255 axes, on the CPU or not.
        dtype: `"float32"`, `"float16"`, or `"int8"`: 256 equal steps between
            the smallest and the largest value of this tensor, so nothing has
            to be calibrated.

    Raises:
        ValueError: For another dtype, values that are not finite, or values
            beyond what float16 holds.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.deployment import pack, unpack
    >>> sent = pack(np.linspace(0, 1, 6).reshape(1, 2, 3), "int8")
    >>> len(sent), unpack(sent).shape
    (28, (1, 2, 3))
    """
    if dtype not in DTYPES:
        raise ValueError(
            f"`dtype` must be one of {DTYPES}. Received: dtype={dtype!r}."
        )
    values = np.asarray(ops.convert_to_numpy(values), np.float32)
    if not np.isfinite(values).all():
        raise ValueError(
            "What is sent must be finite. Received: a tensor of shape "
            f"{values.shape} with NaN or infinite values. Look at the image, "
            "or at the weights."
        )
    scale, low = 1.0, 0.0
    if dtype == "int8" and values.size:
        low = float(values.min())
        scale = (float(values.max()) - low) / 255 or 1.0
        values = np.rint((values - np.float32(low)) / np.float32(scale))
        content = values.clip(0, 255).astype(np.uint8)
    else:
        with np.errstate(over="ignore"):
            content = values.astype(np.uint8 if dtype == "int8" else dtype)
        if not np.isfinite(content).all():
            raise ValueError(
                "float16 holds values up to 65,504. Received: a tensor with "
                f"{np.abs(values).max():,.0f}. Take dtype='float32' or 'int8'."
            )
    head = HEADER.pack(DTYPES.index(dtype), content.ndim, scale, low)
    axes = struct.pack(f"<{content.ndim}I", *content.shape)
    return head + axes + content.tobytes()


def unpack(content: bytes) -> Any:
    """The tensor that `pack` has made bytes of, as a float32 array.

    Args:
        content: What `pack` returned.

    Raises:
        ValueError: If it is anything else, or a part of it.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.deployment import pack, unpack
    >>> unpack(pack(np.ones((1, 2)), "float16"))
    array([[1., 1.]], dtype=float32)
    """
    try:
        number, axes, scale, low = HEADER.unpack_from(content)
        shape = struct.unpack_from(f"<{axes}I", content, HEADER.size)
        dtype = ("<f4", "<f2", "u1")[number]
        values = np.frombuffer(
            content, dtype, offset=HEADER.size + 4 * axes
        ).reshape(shape)
    except (struct.error, IndexError, ValueError, TypeError) as error:
        raise ValueError(
            "A tensor is unpacked from all bytes that `pack` made of it. "
            f"Received: {len(content):,} bytes that are none, or not all."
        ) from error
    if DTYPES[number] == "int8":
        return values * np.float32(scale) + np.float32(low)
    return values.astype(np.float32)
