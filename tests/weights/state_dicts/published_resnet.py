"""Published ResNets: state dictionaries of their shapes, and what they compute.

The forward pass is written from the facts about timm's networks, in NumPy,
and knows nothing of this library.
"""

from pathlib import Path

import numpy as np

TENSORS = Path(__file__).parents[2] / "data" / "state_dicts"
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])


def random_state_dict(name, seed=0):
    """Random tensors of the real names, shapes and dtypes."""
    generator = np.random.default_rng(seed)
    text = (TENSORS / f"{name}.a1_in1k.txt").read_text()
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
        else:
            value = generator.standard_normal(shape, dtype=np.float32)
            state[key] = value * np.float32(np.prod(shape[1:]) ** -0.5)
    return state


def forward(name, state, images):
    """Logits of images of shape (n, height, width, 3), values 0 to 255."""
    x = (images.astype("float64") / 255 - MEAN) / DEVIATION
    x = x.transpose(0, 3, 1, 2).astype("float32")
    x = relu(norm(state, "bn1", conv(x, state["conv1.weight"], 2)))
    x = maximum(x)
    parts = 2 if name == "resnet18" else 3
    for stage, blocks in enumerate(BLOCKS[name], 1):
        for block in range(blocks):
            strides = 2 if stage > 1 and block == 0 else 1
            x = residual_block(
                x, state, f"layer{stage}.{block}", parts, strides
            )
    pooled = x.mean((2, 3))
    return pooled @ state["fc.weight"].T + state["fc.bias"]


def residual_block(x, state, prefix, parts, strides):
    shortcut, y = x, x
    for part in range(1, parts + 1):
        # The stride is on the 3x3: the first of two, the second of three.
        step = strides if part == parts - 1 else 1
        y = conv(y, state[f"{prefix}.conv{part}.weight"], step)
        y = norm(state, f"{prefix}.bn{part}", y)
        if part < parts:
            y = relu(y)
    if f"{prefix}.downsample.0.weight" in state:
        kernel = state[f"{prefix}.downsample.0.weight"]
        shortcut = norm(
            state, f"{prefix}.downsample.1", conv(x, kernel, strides)
        )
    return relu(shortcut + y)


def relu(x):
    return np.maximum(x, 0)


def norm(state, prefix, x):
    def channels(name):
        return state[f"{prefix}.{name}"][:, None, None]

    deviation = np.sqrt(channels("running_var") + 1e-5)
    x = (x - channels("running_mean")) / deviation
    return x * channels("weight") + channels("bias")


def windows(x, size, strides):
    """(n, channels, rows, columns, size, size) of a padded input."""
    border = size // 2
    x = np.pad(x, [(0, 0), (0, 0), (border,) * 2, (border,) * 2])
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))
    return view[:, :, ::strides, ::strides]


def conv(x, kernel, strides):
    view = windows(x, kernel.shape[-1], strides)
    return np.moveaxis(
        np.tensordot(view, kernel, ((1, 4, 5), (1, 2, 3))), -1, 1
    )


def maximum(x):
    """3x3, stride 2; behind a ReLU the border of zeros is never the largest."""
    return windows(x, 3, 2).max((4, 5))
