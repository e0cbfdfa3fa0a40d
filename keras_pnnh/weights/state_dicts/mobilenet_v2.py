"""The names of MobileNetV2 in timm, and ours.

    conv_stem, bn1                    stem_conv
    blocks.0.0.conv_dw, .bn1          stage1_block1_depthwise
    blocks.0.0.conv_pw, .bn2          stage1_block1_project
    blocks.2.1.conv_pw, .bn1          stage3_block2_expand
    blocks.2.1.conv_dw, .bn2          stage3_block2_depthwise
    blocks.2.1.conv_pwl, .bn3         stage3_block2_project
    conv_head, bn2                    last_conv
    classifier                        head

Published ones are the residual twins of the plain ones: `PlainMobileNet` with
`internal_path="residual"`.
"""

from typing import Any

from keras_pnnh.weights.state_dicts.assignment import (
    CONVOLUTION,
    DEPTHWISE,
    match_convolution,
    match_head,
)

# Name and norm of each layer of a block that expands, and of one that does
# not.
EXPANDING = {
    "expand": ("conv_pw", "bn1"),
    "depthwise": ("conv_dw", "bn2"),
    "project": ("conv_pwl", "bn3"),
}
NARROWING = {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}


def match_mobilenet_v2(model: Any) -> Any:
    """Which variable of a residual `PlainMobileNet` each tensor is.

    Args:
        model: A `PlainMobileNet` with `internal_path="residual"`.

    Returns:
        A list of `Match`, and the names of tensors that the model, if it ends
        without a classifier, has no use for.
    """
    layers = {layer.name: layer for layer in model.layers}
    matches = match_convolution("conv_stem", "bn1", layers["stem_conv"])
    for name, layer in layers.items():
        block, _, part = name.rpartition("_")
        if part not in EXPANDING:
            continue
        stage, _, number = block.removeprefix("stage").partition("_block")
        prefix = f"blocks.{int(stage) - 1}.{int(number) - 1}"
        parts = EXPANDING if f"{block}_expand" in layers else NARROWING
        tensor, norm = (f"{prefix}.{end}" for end in parts[part])
        axes = DEPTHWISE if part == "depthwise" else CONVOLUTION
        matches += match_convolution(tensor, norm, layer, axes)
    matches += match_convolution("conv_head", "bn2", layers["last_conv"])
    return match_head("classifier", layers, matches)
