"""State dictionaries of published shapes, and what their layers compute.

Written from the facts about timm's networks, in NumPy; knows nothing of this
library.
"""

from pathlib import Path

import numpy as np

TENSORS = Path(__file__).parents[2] / "data" / "state_dicts"
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])


def random_state_dict(name, seed=0):
    """Random tensors of the real names, shapes and dtypes."""
    generator = np.random.default_rng(seed)
    (path,) = TENSORS.glob(f"{name}.*.txt")
    text = path.read_text()
    state = {}
    for line in text.splitlines():
        key, shape, dtype = line.split("\t")
        shape = tuple(
            int(size) for size in shape.strip("(),").split(",") if size
        )
        if dtype == "int64":
            state[key] = np.array(7, dtype)
        elif key.endswith("running_var"):
            state[key] = generator.uniform(0.5, 2, shape).astype(dtype)
        elif len(shape) == 1:
            # Gamma around 1, everything else around 0.
            centre = 1 if key.endswith("weight") else 0
            value = centre + 0.2 * generator.standard_normal(shape)
            state[key] = value.astype(dtype)
        elif key in ("cls_token", "pos_embed"):
            state[key] = generator.standard_normal(shape).astype(dtype)
        else:
            value = generator.standard_normal(shape, dtype=np.float32)
            state[key] = value * np.float32(np.prod(shape[1:]) ** -0.5)
    return state


def imagenet_pixels(images):
    """(n, height, width, 3) of 0 to 255 to (n, 3, height, width)."""
    x = (images.astype("float64") / 255 - MEAN) / DEVIATION
    return x.transpose(0, 3, 1, 2).astype("float32")


def relu(x):
    return np.maximum(x, 0)


def norm(state, prefix, x):
    def channels(name):
        return state[f"{prefix}.{name}"][:, None, None]

    deviation = np.sqrt(channels("running_var") + 1e-5)
    x = (x - channels("running_mean")) / deviation
    return x * channels("weight") + channels("bias")


def windows(x, size, strides):
    """(n, channels, rows, columns, size, size), padded as PyTorch does."""
    border = size // 2
    x = np.pad(x, [(0, 0), (0, 0), (border,) * 2, (border,) * 2])
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))
    return view[:, :, ::strides, ::strides]


def conv(x, kernel, strides):
    view = windows(x, kernel.shape[-1], strides)
    return np.moveaxis(
        np.tensordot(view, kernel, ((1, 4, 5), (1, 2, 3))), -1, 1
    )


def depthwise(x, kernel, strides):
    view = windows(x, kernel.shape[-1], strides)
    return np.einsum("nchwij,cij->nchw", view, kernel[:, 0])
