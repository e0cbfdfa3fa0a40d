"""The names of ResNets in timm and torchvision, and ours.

    conv1, bn1                  stem_conv
    layer2.0.conv1, .bn1        stage2_block1_conv1
    layer2.0.downsample.0, .1   stage2_block1_shortcut
    fc                          head

Published ResNets are the residual twins of the plain ones: `PlainResNet` with
`internal_path="residual"`, the large stem and projection shortcuts.
"""

from typing import Any

from keras_pnnh.weights.state_dicts.assignment import (
    match_convolution,
    match_head,
)


def match_resnet(model: Any) -> Any:
    """Which variable of a residual `PlainResNet` each tensor is.

    Args:
        model: A `PlainResNet` with `internal_path="residual"`.

    Returns:
        A list of `Match`, and the names of tensors that the model, if it ends
        without a classifier, has no use for.
    """
    layers = {layer.name: layer for layer in model.layers}
    matches = match_convolution("conv1", "bn1", layers["stem_conv"])
    for name, layer in layers.items():
        stage, _, rest = name.partition("_")
        block, _, part = rest.partition("_")
        if not (stage.startswith("stage") and hasattr(layer, "batch_norm")):
            continue
        number = int(block.removeprefix("block")) - 1
        prefix = f"layer{stage.removeprefix('stage')}.{number}"
        if part == "shortcut":
            names = (f"{prefix}.downsample.0", f"{prefix}.downsample.1")
        else:
            names = (f"{prefix}.{part}", f"{prefix}.bn{part[-1]}")
        matches += match_convolution(*names, layer)
    return match_head("fc", layers, matches)
