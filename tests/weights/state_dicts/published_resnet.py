"""What a ResNet of timm computes, in NumPy."""

from published import conv, imagenet_pixels, norm, relu, windows

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


def forward(name, state, images):
    """Logits of images of shape (n, height, width, 3), values 0 to 255."""
    x = imagenet_pixels(images)
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


def maximum(x):
    """3x3, stride 2; behind a ReLU the border of zeros is never the largest."""
    return windows(x, 3, 2).max((4, 5))
