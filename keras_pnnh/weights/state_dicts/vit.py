"""The names of vision Transformers in timm (ViT, DeiT), and ours.

    patch_embed.proj                  patch_embedding
    cls_token, pos_embed              token_embedding
    blocks.0.norm1                    block1_norm1
    blocks.0.attn.qkv, .attn.proj     block1_attention
    blocks.0.norm2                    block1_norm2
    blocks.0.mlp.fc1, .mlp.fc2        block1_dense1, block1_dense2
    norm, head                        norm, head

One tensor holds queries, keys and values, one after the other; `pos_embed`
begins with the position of the token of the class. Published ones are the
residual twins of the plain ones: `PlainViT` with `internal_path="residual"`.
"""

from typing import Any

from keras_pnnh.weights.state_dicts.assignment import (
    CONVOLUTION,
    DENSE,
    Match,
    match_dense,
    match_head,
    match_norm,
)

EPSILON = 1e-6


def match_vit(model: Any) -> Any:
    """Which variable of a residual `PlainViT` each tensor is.

    Positions of another image size are resampled.

    Args:
        model: A `PlainViT` with `internal_path="residual"`.

    Returns:
        A list of `Match`, and the names of tensors that the model, if it ends
        without a classifier, has no use for.
    """
    layers = {layer.name: layer for layer in model.layers}
    patches = layers["patch_embedding"]
    matches = [
        Match("patch_embed.proj.weight", patches.kernel, CONVOLUTION),
        Match("patch_embed.proj.bias", patches.bias),
        *_tokens(layers["token_embedding"]),
    ]
    blocks = sum(name.endswith("_attention") for name in layers)
    for block in range(blocks):
        ours, theirs = f"block{block + 1}", f"blocks.{block}"
        for norm in ("norm1", "norm2"):
            layer = layers[f"{ours}_{norm}"]
            matches += match_norm(f"{theirs}.{norm}", layer, EPSILON)
        matches += _attention(f"{theirs}.attn", layers[f"{ours}_attention"])
        for number in (1, 2):
            layer = layers[f"{ours}_dense{number}"]
            matches += match_dense(f"{theirs}.mlp.fc{number}", layer)
    matches += match_norm("norm", layers["norm"], EPSILON)
    return match_head("head", layers, matches)


def _tokens(layer):
    if layer.token is None:
        raise ValueError(
            "Published vision Transformers have a token for the class. "
            f"Received: layer '{layer.name}' with class_token=False. Leave "
            "`class_token` at its default."
        )

    def positions(tensor):
        (rows,) = tensor[:, 1:]
        size = round(len(rows) ** 0.5)
        return layer.resampled(rows.reshape(size, size, -1))

    return [
        Match("cls_token", layer.token, part=lambda tensor: tensor[0]),
        Match("pos_embed", layer.token_position, part=lambda t: t[0, :1]),
        Match("pos_embed", layer.positions, part=positions),
    ]


def _attention(prefix, layer):
    matches = match_dense(f"{prefix}.proj", layer.output_dense)
    for index, dense in enumerate((layer.query, layer.key, layer.value)):

        def third(tensor, index=index):
            size, rest = divmod(len(tensor), 3)
            return tensor if rest else tensor[index * size : (index + 1) * size]

        name = f"{prefix}.qkv"
        matches += [
            Match(f"{name}.weight", dense.kernel, DENSE, third),
            Match(f"{name}.bias", dense.bias, part=third),
        ]
    return matches
