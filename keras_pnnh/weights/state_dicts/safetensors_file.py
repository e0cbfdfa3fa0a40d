"""Read a `.safetensors` file: arrays by name, and no code to run."""

from typing import Any


def read(path: Any) -> Any:
    """All tensors of a file as NumPy arrays.

    Args:
        path: A `.safetensors` file.

    Raises:
        ValueError: If it is none, or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError) as error:
        raise ValueError(
            "A checkpoint must be a complete safetensors file. Received: "
            f"'{path}', which cannot be read: {error}. Fetch it again."
        ) from error
