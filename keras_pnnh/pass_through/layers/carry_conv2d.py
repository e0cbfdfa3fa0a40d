"""A convolution of some channels, while others pass through."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.layers._checks import resolve_data_format
from keras_pnnh.pass_through.layers._blocks import ChannelBlock
from keras_pnnh.pass_through.layers._blocks_layer import BlocksLayer


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryConv2D(BlocksLayer):
    """One convolution whose kernel is made of blocks between channels.

    What a residual block adds to a plain chain: the learner's channels are
    convolved, the pass-through channels only move (PNNH, arXiv 2402.08645,
    calls this the internal path). One layer with one kernel, most of which is
    known to be 0 or 1: a pass-through channel costs no multiplication.

    Every block reads a range of channels and writes one; blocks that write to
    the same channels add up. A block is a dictionary:

    - `kind`: what the block computes, see below.
    - `inputs`: `[start, stop]`, the channels that it reads.
    - `outputs`: `[start, stop]`, the channels that it writes.
    - `kernel_size`: `[height, width]`, by default `[1, 1]`.
    - `strides`: `[rows, columns]`, by default `[1, 1]`.
    - `padding`: `"same"` as in Keras, or pixels of zeros, `[[top, bottom],
      [left, right]]`, where negative ones are cut away; by default none.
    - `dilation_rate`: `[rows, columns]`, by default `[1, 1]`.
    - `groups`: groups of a `"conv"`, by default 1.
    - `use_bias`: whether the block has a bias, by default False.

    Kinds with weights are `"conv"`, `"depthwise"` and `"scale"` (one factor
    per channel: a batch norm that no convolution can take in). Kinds that
    pass channels on are `"identity"` (with strides it subsamples; to a wider
    range of outputs it adds channels of zeros) and the poolings `"average"`
    and `"max"`, with `kernel_size` as the window. `"max"` alone is not linear.

    Args:
        blocks: List of dictionaries.
        kernel_initializer: Name of the initial values of the kernels. Scales
            begin at 1.
        data_format: As in `keras.layers.Conv2D`.

    Input shape: `(batch, height, width, channels)`, or channels first.

    Output shape: `(batch, height, width, channels)`, or channels first, with
    as many channels as the blocks write.

    Raises:
        ValueError: For a block that contradicts itself, outputs that nothing
            writes, inputs that do not exist, or blocks that do not agree on
            the size of the image.

    Example:

    >>> from keras_pnnh.pass_through.layers import CarryConv2D
    >>> learner = {"kind": "conv", "inputs": [0, 4], "outputs": [0, 8]}
    >>> passing = {"kind": "identity", "inputs": [0, 4], "outputs": [8, 12]}
    >>> layer = CarryConv2D([learner, passing])
    >>> layer.compute_output_shape((None, 32, 32, 4))
    (None, 32, 32, 12)
    >>> layer.pass_through_channels
    4
    """

    block_class = ChannelBlock

    def __init__(
        self,
        blocks: list[dict[str, Any]],
        kernel_initializer: Any = "he_normal",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(blocks, kernel_initializer, **kwargs)
        self.filters = self.output_channels
        self.data_format = resolve_data_format(data_format)
        self._channel_axis = 1 if self.data_format == "channels_first" else -1

    def _run(self, index, inputs):
        block, kernel = self.blocks[index], self.kernels[index]
        x = self._channels(inputs, *block.inputs)
        padding = block.padding
        if padding != "same":
            x, padding = self._pad_pixels(x, padding), "valid"
        strides = block.strides
        if block.kernel_size == (1, 1) and block.kind != "average":
            # Also for convolutions: the gradient of torch 2.13's own strided
            # 1x1 convolution corrupts memory below 8 input channels.
            x, strides = self._subsample(x, strides), (1, 1)
        common = {"padding": padding, "data_format": self.data_format}
        if block.kind == "conv":
            x = ops.conv(
                x, kernel, strides, dilation_rate=block.dilation_rate, **common
            )
        elif block.kind == "depthwise":
            x = ops.depthwise_conv(
                x, kernel, strides, dilation_rate=block.dilation_rate, **common
            )
        elif block.kind == "scale":
            x = x * self._vector(kernel)
        elif block.kind == "average":
            x = ops.average_pool(x, block.kernel_size, strides, **common)
        elif block.kind == "max":
            x = ops.max_pool(x, block.kernel_size, strides, **common)
        if block.use_bias:
            x = x + self._vector(self.biases[index])
        return x

    def _vector(self, variable):
        vector = ops.convert_to_tensor(variable)
        if self._channel_axis == 1:
            return ops.reshape(vector, (-1, 1, 1))
        return vector

    def _subsample(self, x, strides):
        if strides == (1, 1):
            return x
        rows, columns = (slice(None, None, step) for step in strides)
        if self._channel_axis == 1:
            return x[:, :, rows, columns]
        return x[:, rows, columns]

    def _pad_pixels(self, x, padding):
        cut = [slice(None)] * 4
        paddings = [(0, 0)] * 4
        first = 2 if self._channel_axis == 1 else 1
        for axis, (before, after) in enumerate(padding, first):
            cut[axis] = slice(max(-before, 0), min(after, 0) or None)
            paddings[axis] = (max(before, 0), max(after, 0))
        if any(part != slice(0, None) for part in cut[first : first + 2]):
            x = x[tuple(cut)]
        if any(map(any, paddings)):
            x = ops.pad(x, paddings)
        return x

    def compute_output_shape(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        first = 2 if self._channel_axis == 1 else 1
        shape = list(inputs_shape)
        shape[self._channel_axis] = self.filters
        for axis in (0, 1):
            size = inputs_shape[first + axis]
            sizes = {block.output_size(size, axis) for block in self.blocks}
            if len(sizes) > 1 or any(n is not None and n < 1 for n in sizes):
                raise ValueError(
                    "All blocks of a layer make images of the same size, at "
                    f"least one pixel. Received: layer '{self.name}' with "
                    f"blocks that make {sorted(map(str, sizes))} of {size}."
                )
            (shape[first + axis],) = sizes
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
