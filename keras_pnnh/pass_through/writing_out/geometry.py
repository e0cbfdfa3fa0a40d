"""Window, strides and padding of a layer's blocks as one convolution."""

import math
from typing import Any, NamedTuple

import numpy as np

from keras_pnnh.pass_through import block_kernels
from keras_pnnh.pass_through.writing_out.wires import NotWrittenOutError


class Geometry(NamedTuple):
    """How the one convolution moves over the image."""

    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    padding: str  # "same" or "valid"
    pad: tuple[Any, ...]  # pixels of zeros to add before, ((top, bottom), ...)
    crop: tuple[Any, ...]  # pixels to cut away before
    befores: tuple[Any, ...]  # padding before the image, for each block
    padded: tuple[bool, ...]  # for each block whether it reads padding


def geometry_of(call: Any) -> Geometry:
    """The geometry of a call of a `CarryConv2D`.

    Args:
        call: A `graph.Call`.

    Returns:
        A `Geometry`.

    Raises:
        NotWrittenOutError: If the blocks do not have one, or it depends on a
            size that is not known.
    """
    layer = call.layer
    first = 2 if layer.data_format == "channels_first" else 1
    if any(block.kind == "max" for block in layer.blocks):
        raise _error(layer, "takes maxima beside pass-through channels")
    sizes, strides, pads, crops, same, befores = [], [], [], [], True, []
    padded = []
    for axis in (0, 1):
        n = call.inputs[0].shape[first + axis]
        steps = {block.strides[axis] for block in layer.blocks}
        if len(steps) > 1:
            raise _error(layer, f"has blocks of the strides {sorted(steps)}")
        (step,) = steps
        paddings = [_padding(block, axis, n, layer) for block in layer.blocks]
        starts = [before for before, _ in paddings]
        before, size = block_kernels.window(
            starts,
            [block.kernel_size[axis] for block in layer.blocks],
            [block.dilation_rate[axis] for block in layer.blocks],
        )
        after = _after(layer, axis, n, step, paddings, before, size)
        sizes.append(size)
        strides.append(step)
        pads.append((before, max(after, 0)))
        crops.append((0, max(-after, 0)))
        befores.append(starts)
        padded.append([max(around) > 0 for around in paddings])
        same = same and step == 1 and before == (size - 1) // 2
        same = same and before + after == size - 1
    return Geometry(
        tuple(sizes),
        tuple(strides),
        "same" if same else "valid",
        ((0, 0), (0, 0)) if same else tuple(pads),
        tuple(crops),
        tuple(zip(*befores, strict=True)),
        tuple(map(any, zip(*padded, strict=True))),
    )


def _reach(block, axis):
    return block.dilation_rate[axis] * (block.kernel_size[axis] - 1) + 1


def _padding(block, axis, size, layer):
    """Pixels of padding before and after the image for a block."""
    if block.padding != "same":
        return block.padding[axis]
    step, reach = block.strides[axis], _reach(block, axis)
    if step == 1:
        total = reach - 1
    elif size is None:
        raise _error(layer, "strides over an image of unknown size")
    else:
        total = max((-(-size // step) - 1) * step + reach - size, 0)
    if total and block.kind == "average":
        raise _error(layer, "averages over fewer pixels at the border")
    return total // 2, total - total // 2


def _after(layer, axis, size, step, paddings, before, length):
    """Padding after the image that gives as many pixels as the blocks."""
    if size is not None:
        made = layer.blocks[0].output_size(size, axis)
        after = (made - 1) * step + length - size - before
        # Pixels that no step reaches need not be cut away.
        return max(after, 0) if after > -step else after
    ends = {
        sum(padding) - _reach(block, axis)
        for block, padding in zip(layer.blocks, paddings, strict=True)
    }
    if len(ends) > 1:
        raise _error(layer, "pads blocks differently, at unknown size")
    return ends.pop() + length - before


def layer_kernel(layer: Any, geometry: Any) -> Any:
    """Kernel and bias of a `CarryConv2D`, blocks side by side.

    Args:
        layer: The layer, built.
        geometry: Its `Geometry`.

    Returns:
        Kernel `(kh, kw, cin, cout)` and bias `(cout,)`.
    """
    channels = max(block.inputs[1] for block in layer.blocks)
    blocks, bias = [], np.zeros(layer.filters, layer.variable_dtype)
    numbers = iter(layer.get_weights())
    for block, before in zip(layer.blocks, geometry.befores, strict=True):
        weights = next(numbers) if block.weighted else None
        if block.use_bias:
            bias[slice(*block.outputs)] += next(numbers)
        blocks += _kernel_blocks(block, weights, before, bias.dtype)
    return block_kernels.assemble_kernel(blocks, channels, layer.filters), bias


def _kernel_blocks(block, weights, before, dtype):
    """Ordinary kernels of a block; several for a grouped one."""
    common = {"before": before, "dilation": block.dilation_rate}
    source, target = block.inputs[0], block.outputs[0]
    if block.kind == "conv":
        inner = block.channels // block.groups
        outer = block.filters // block.groups
        return [
            block_kernels.KernelBlock(
                weights[..., group * outer : (group + 1) * outer],
                source + group * inner,
                target + group * outer,
                **common,
            )
            for group in range(block.groups)
        ]
    count = block.channels
    if block.kind == "depthwise":
        multiplier = weights.shape[3]
        kernel = np.zeros((*weights.shape[:2], count, block.filters), dtype)
        channel = np.arange(count)
        for index in range(multiplier):
            kernel[:, :, channel, channel * multiplier + index] = weights[
                ..., index
            ]
    else:
        matrix = np.eye(count, dtype=dtype)
        if block.kind == "scale":
            matrix = np.diag(weights)
        kernel = np.broadcast_to(matrix, (*block.kernel_size, count, count))
        if block.kind == "average":
            kernel = (kernel / math.prod(block.kernel_size)).astype(dtype)
    return [block_kernels.KernelBlock(kernel, source, target, **common)]


def _error(layer, why):
    return NotWrittenOutError(
        "A layer that can be written out has one window and one stride for "
        f"all of its blocks. Received: layer '{layer.name}', which {why}. Keep "
        "the chain as it is, without `write_out`."
    )
