"""A dense layer on some channels, while others pass through."""

from typing import Any

import keras
from keras import ops

from keras_pnnh.pass_through.layers._blocks_layer import BlocksLayer


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryDense(BlocksLayer):
    """One dense layer whose kernel is made of blocks between channels.

    What `CarryConv2D` is for images, for the last axis of anything: the
    learner's features are multiplied by their kernel, the pass-through
    channels only move. At the end of a Transformer's branch it is `[I; W]`,
    the stream plus what the learner adds to it.

    Every block reads a range of channels and writes one; blocks that write to
    the same channels add up. A block is a dictionary:

    - `kind`: `"dense"`, `"scale"` (one factor per channel), or `"identity"`,
      which passes them through; to a wider range of outputs it adds
      channels of zeros.
    - `inputs`: `[start, stop]`, the channels that it reads.
    - `outputs`: `[start, stop]`, the channels that it writes.
    - `use_bias`: whether the block has a bias, by default False.

    Args:
        blocks: List of dictionaries.
        kernel_initializer: Name of the initial values of the kernels. Scales
            begin at 1.

    Input shape: `(batch, ..., channels)`.

    Output shape: the same, with as many channels as the blocks write.

    Raises:
        ValueError: For a block that contradicts itself, outputs that nothing
            writes, or inputs that do not exist.

    Example:

    >>> from keras_pnnh.pass_through.layers import CarryDense
    >>> learner = {"kind": "dense", "inputs": [4, 8], "outputs": [0, 4]}
    >>> stream = {"kind": "identity", "inputs": [0, 4], "outputs": [0, 4]}
    >>> CarryDense([learner, stream]).compute_output_shape((None, 16, 8))
    (None, 16, 4)
    """

    def __init__(
        self,
        blocks: list[dict[str, Any]],
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(blocks, kernel_initializer, **kwargs)
        self.units = self.output_channels

    def _run(self, index, inputs):
        block, kernel = self.blocks[index], self.kernels[index]
        x = self._channels(inputs, *block.inputs)
        if block.kind == "dense":
            x = ops.matmul(x, kernel)
        elif block.kind == "scale":
            x = ops.multiply(x, kernel)
        if block.use_bias:
            x = ops.add(x, self.biases[index])
        return x

    def compute_output_shape(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        return (*inputs_shape[:-1], self.units)
