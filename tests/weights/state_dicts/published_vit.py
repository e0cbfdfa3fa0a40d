"""What a vision Transformer of timm computes, in NumPy."""

import math

import numpy as np

PATCH, WIDTH = 16, 64  # of a patch, of a head
erf = np.frompyfunc(math.erf, 1, 1)


def forward(name, state, images):
    """Logits of images of shape (n, height, width, 3), values 0 to 255."""
    x = (images / 255 - 0.5) / 0.5
    x = patches(x, state) + state["patch_embed.proj.bias"]
    first = np.broadcast_to(state["cls_token"], (len(x), 1, x.shape[-1]))
    x = np.concatenate([first, x], 1) + state["pos_embed"]
    blocks = {key.split(".")[1] for key in state if key.startswith("blocks.")}
    for block in range(len(blocks)):
        prefix = f"blocks.{block}"
        y = norm(state, f"{prefix}.norm1", x)
        x = x + attention(y, state, f"{prefix}.attn")
        y = norm(state, f"{prefix}.norm2", x)
        y = gelu(linear(y, state, f"{prefix}.mlp.fc1"))
        x = x + linear(y, state, f"{prefix}.mlp.fc2")
    return linear(norm(state, "norm", x)[:, 0], state, "head")


def patches(x, state):
    """Tokens of the patches, row after row."""
    n, height, width, _ = x.shape
    x = x.reshape(n, height // PATCH, PATCH, width // PATCH, PATCH, 3)
    tokens = np.einsum(
        "nyixjc,dcij->nyxd", x, state["patch_embed.proj.weight"], optimize=True
    )
    return tokens.reshape(n, -1, tokens.shape[-1])


def attention(x, state, prefix):
    n, tokens, width = x.shape
    qkv = linear(x, state, f"{prefix}.qkv")
    # Queries, keys, values; in each one head after the other.
    qkv = qkv.reshape(n, tokens, 3, width // WIDTH, WIDTH)
    queries, keys, values = qkv.transpose(2, 0, 3, 1, 4)
    logits = queries @ keys.swapaxes(-1, -2) * WIDTH**-0.5
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights = weights / weights.sum(-1, keepdims=True)
    mixed = (weights @ values).swapaxes(1, 2).reshape(x.shape)
    return linear(mixed, state, f"{prefix}.proj")


def linear(x, state, name):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def norm(state, name, x):
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
    return centred / deviation * state[f"{name}.weight"] + state[f"{name}.bias"]


def gelu(x):
    return x * (1 + erf(x / math.sqrt(2)).astype(x.dtype)) / 2
