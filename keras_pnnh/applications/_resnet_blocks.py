"""The blocks of ResNets: `x` in, `x` out.

Each says where a coder's parts go, what the residual twin adds, and reads the
same without either.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_pnnh.applications import _checks
from keras_pnnh.applications._conv_layers import ConvLayers
from keras_pnnh.layers import Coder, SharedKernel, ZeroPaddingShortcut

# Output channels of a block per channel of its stage.
EXPANSION = {"basic": 1, "bottleneck": 4, "basic_v2": 1, "bottleneck_v2": 4}


@dataclasses.dataclass(frozen=True)
class ResNetLayers(ConvLayers):
    """Makes the layers of one ResNet.

    Attributes:
        projection: Whether the twin's skips change shape by a convolution
            (option B of He et al. 2015) or by zeros (option A).
        learner_ratio: Width of the learners inside a block, as a share of
            what it is in a ResNet.
    """

    projection: bool = False
    learner_ratio: float = 1.0

    def inside(self, filters: int) -> int:
        """Channels of a learner inside a block."""
        return max(1, round(self.learner_ratio * filters))


def stage(
    x: Any,
    block: str,
    blocks: int,
    filters: int,
    strides: int,
    code_filters: int,
    shared: Sequence[int],
    name: str,
    net: ResNetLayers,
) -> Any:
    """`blocks` blocks of the same width; the first has the strides.

    Args:
        x: Inputs.
        block: Key of `BLOCKS`.
        blocks: Number of blocks.
        filters: Channels of the stage, of its 3x3 convolutions.
        strides: Stride of the first block.
        code_filters: Channels of the code.
        shared: Numbers of the convolutions whose kernel all blocks share.
        name: Name of the stage.
        net: `ResNetLayers`.
    """
    width = EXPANSION[block] * filters
    coders = net.coders(width, code_filters, blocks, f"{name}_coder")
    kernels = _shared_kernels(block, filters, coders[0], shared, name, net)
    for number, coder in enumerate(coders, 1):
        prefix = f"{name}_block{number}"
        x = BLOCKS[block](x, filters, strides, coder, kernels, prefix, net)
        strides = 1
    return x


def basic_block(
    x: Any,
    filters: int,
    strides: int,
    coder: Coder | None,
    kernels: dict[int, SharedKernel],
    name: str,
    net: ResNetLayers,
) -> Any:
    """3x3, 3x3 (He et al. 2015, figure 5 left): encoder, then decoder."""
    y = net.conv(
        x,
        net.inside(filters),
        3,
        strides,
        coder=coder,
        part="encoder",
        shared=kernels.get(1),
        name=f"{name}_conv1",
    )
    y = net.relu(y, f"{name}_relu1")
    y = net.conv(
        y,
        filters,
        3,
        coder=coder,
        part="decoder",
        shared=kernels.get(2),
        name=f"{name}_conv2",
    )
    if net.internal_path == "residual":
        skip = shortcut(x, filters, strides, name, net)
        y = net.add(skip, y, f"{name}_add")
    return net.relu(y, f"{name}_relu2")


def bottleneck_block(
    x: Any,
    filters: int,
    strides: int,
    coder: Coder | None,
    kernels: dict[int, SharedKernel],
    name: str,
    net: ResNetLayers,
) -> Any:
    """1x1, 3x3, wide 1x1 (figure 5 right), the stride on the 3x3 ("v1.5").

    Encoder, the code as it is, decoder. The code is a quarter as wide as what
    it carries, so the coder loses at least 3/4 of a new signal's variance;
    what it has kept once it keeps from then on (reconstruction).
    """
    y = net.conv(
        x,
        net.inside(filters),
        1,
        coder=coder,
        part="encoder",
        shared=kernels.get(1),
        name=f"{name}_conv1",
    )
    y = net.relu(y, f"{name}_relu1")
    y = net.conv(
        y,
        net.inside(filters),
        3,
        strides,
        coder=coder,
        part="code",
        shared=kernels.get(2),
        name=f"{name}_conv2",
    )
    y = net.relu(y, f"{name}_relu2")
    y = net.conv(
        y,
        4 * filters,
        1,
        coder=coder,
        part="decoder",
        shared=kernels.get(3),
        name=f"{name}_conv3",
    )
    if net.internal_path == "residual":
        skip = shortcut(x, 4 * filters, strides, name, net)
        y = net.add(skip, y, f"{name}_add")
    return net.relu(y, f"{name}_relu3")


def basic_block_v2(
    x: Any,
    filters: int,
    strides: int,
    coder: Coder | None,
    kernels: dict[int, SharedKernel],
    name: str,
    net: ResNetLayers,
) -> Any:
    """Norm and ReLU first (He et al. 2016): no ReLU on the twin's skip."""
    activated = net.relu(net.batch_norm(x, f"{name}_norm0"), f"{name}_relu0")
    y = net.conv(
        activated,
        net.inside(filters),
        3,
        strides,
        part="encoder",
        shared=kernels.get(1),
        name=f"{name}_conv1",
    )
    y = net.relu(y, f"{name}_relu1")
    y = net.conv(
        y,
        filters,
        3,
        part="decoder",
        shared=kernels.get(2),
        normalize=False,
        name=f"{name}_conv2",
    )
    skip = shortcut_v2(x, activated, filters, strides, name, net)
    return net.add(skip, y, f"{name}_add")


def bottleneck_block_v2(
    x: Any,
    filters: int,
    strides: int,
    coder: Coder | None,
    kernels: dict[int, SharedKernel],
    name: str,
    net: ResNetLayers,
) -> Any:
    """The bottleneck with norm and ReLU before each convolution.

    The stride is on the 3x3, and in the first block of a stage, where
    `keras.applications.ResNet50V2` has it in the last.
    """
    activated = net.relu(net.batch_norm(x, f"{name}_norm0"), f"{name}_relu0")
    y = net.conv(
        activated,
        net.inside(filters),
        1,
        part="encoder",
        shared=kernels.get(1),
        name=f"{name}_conv1",
    )
    y = net.relu(y, f"{name}_relu1")
    y = net.conv(
        y,
        net.inside(filters),
        3,
        strides,
        part="code",
        shared=kernels.get(2),
        name=f"{name}_conv2",
    )
    y = net.relu(y, f"{name}_relu2")
    y = net.conv(
        y,
        4 * filters,
        1,
        part="decoder",
        shared=kernels.get(3),
        normalize=False,
        name=f"{name}_conv3",
    )
    skip = shortcut_v2(x, activated, 4 * filters, strides, name, net)
    return net.add(skip, y, f"{name}_add")


BLOCKS = {
    "basic": basic_block,
    "bottleneck": bottleneck_block,
    "basic_v2": basic_block_v2,
    "bottleneck_v2": bottleneck_block_v2,
}


def check_block(block: str, internal_path: str, shared_learners: Any) -> None:
    """Which paths a block has, and what of it can be shared."""
    if block.endswith("_v2") and internal_path in ("coder", "none"):
        raise ValueError(
            "Blocks with the norm first are residual: without a skip there is "
            "nothing to keep free of the non-linearity. Received: "
            f"block={block!r} with internal_path={internal_path!r}. Take "
            "`internal_path='residual'`, `internal_path='pass_through'` or "
            f"`block={block.removesuffix('_v2')!r}`."
        )
    numbers = (1, 2) if block.startswith("basic") else (1, 2, 3)
    known = isinstance(shared_learners, (list, tuple)) and all(
        _checks.is_integer(number) and number in numbers
        for number in shared_learners
    )
    if not known or len(set(shared_learners)) < len(shared_learners):
        raise ValueError(
            "`shared_learners` must name convolutions of a block by their "
            f"numbers, out of {numbers}, each once. Received: "
            f"shared_learners={shared_learners!r}. Take `({numbers[-1]},)` to "
            "share the last one, `()` to share none."
        )


def shortcut(
    x: Any, filters: int, strides: int, name: str, net: ResNetLayers
) -> Any:
    """The twin's skip, in the shape of the block's output."""
    if strides == 1 and net.channels(x) == filters:
        return x
    name = f"{name}_shortcut"
    if net.projection:
        return net.bare_conv(x, filters, 1, strides, norm=net.norm, name=name)
    return _zero_padding(x, filters, strides, name, net)


def shortcut_v2(
    x: Any,
    activated: Any,
    filters: int,
    strides: int,
    name: str,
    net: ResNetLayers,
) -> Any:
    """As above; a projection reads the activated stream (He et al. 2016)."""
    if strides == 1 and net.channels(x) == filters:
        return x
    name = f"{name}_shortcut"
    if net.projection:
        return net.bare_conv(
            activated, filters, 1, strides, norm=None, name=name
        )
    return _zero_padding(x, filters, strides, name, net)


def _zero_padding(
    x: Any, filters: int, strides: int, name: str, net: ResNetLayers
) -> Any:
    return ZeroPaddingShortcut(
        filters,
        strides,
        data_format=net.data_format,
        dtype=net.dtype,
        name=name,
    )(x)


def _shared_kernels(
    block: str,
    filters: int,
    coder: Coder | None,
    numbers: Sequence[int],
    name: str,
    net: ResNetLayers,
) -> dict[int, SharedKernel]:
    """The kernels that a stage's blocks share, by number in the block."""
    inside, width = net.inside(filters), EXPANSION[block] * filters
    if width == filters:  # of each convolution: inputs, outputs, size
        sizes = {1: (width, inside, 3), 2: (inside, width, 3)}
    else:
        sizes = {
            1: (width, inside, 1),
            2: (inside, inside, 3),
            3: (inside, width, 1),
        }
    kernels = {}
    for number in numbers:
        channels, outputs, kernel_size = sizes[number]
        kernels[number] = SharedKernel(
            channels,
            outputs,
            kernel_size,
            axis=net.channel_axis,
            code_channels=net.own_channels(coder) if number > 1 else 0,
            dtype=net.dtype,
            name=f"{name}_kernel{number}",
        )
    return kernels
