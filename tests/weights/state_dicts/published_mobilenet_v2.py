"""What a MobileNetV2 of timm computes, in NumPy."""

import numpy as np
from published import conv, depthwise, imagenet_pixels, norm

REPEATS = (2, 3, 4, 3, 3, 1)
STRIDES = (2, 2, 2, 1, 2, 1)


def forward(name, state, images):
    """Logits of images of shape (n, height, width, 3), values 0 to 255."""
    x = conv(imagenet_pixels(images), state["conv_stem.weight"], 2)
    x = relu6(norm(state, "bn1", x))
    x = depthwise(x, state["blocks.0.0.conv_dw.weight"], 1)
    x = relu6(norm(state, "blocks.0.0.bn1", x))
    x = conv(x, state["blocks.0.0.conv_pw.weight"], 1)
    x = norm(state, "blocks.0.0.bn2", x)
    stages = zip(REPEATS, STRIDES, strict=True)
    for stage, (repeats, strides) in enumerate(stages, 1):
        for block in range(repeats):
            step = 1 if block else strides
            x = inverted_residual(x, state, f"blocks.{stage}.{block}", step)
    x = conv(x, state["conv_head.weight"], 1)
    pooled = relu6(norm(state, "bn2", x)).mean((2, 3))
    return pooled @ state["classifier.weight"].T + state["classifier.bias"]


def inverted_residual(x, state, prefix, strides):
    y = conv(x, state[f"{prefix}.conv_pw.weight"], 1)
    y = relu6(norm(state, f"{prefix}.bn1", y))
    y = depthwise(y, state[f"{prefix}.conv_dw.weight"], strides)
    y = relu6(norm(state, f"{prefix}.bn2", y))
    y = conv(y, state[f"{prefix}.conv_pwl.weight"], 1)
    y = norm(state, f"{prefix}.bn3", y)
    return x + y if strides == 1 and x.shape == y.shape else y


def relu6(x):
    return np.clip(x, 0, 6)
