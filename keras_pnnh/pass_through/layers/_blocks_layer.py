"""What `CarryConv2D` and `CarryDense` share: a kernel made of blocks."""

import math
from typing import Any

from keras import ops

from keras_pnnh.layers._checks import resolve_initializer
from keras_pnnh.pass_through.layers._blocks import FeatureBlock, output_parts
from keras_pnnh.pass_through.layers._pass_through_layer import PassThroughLayer


class BlocksLayer(PassThroughLayer):
    """A layer whose blocks each read a range of channels and write one.

    A subclass computes one block, `_run`. Blocks that write to the same
    channels add up.

    Args:
        blocks: List of dictionaries, see `block_class`.
        kernel_initializer: Name of the initial values of the kernels.
    """

    block_class: Any = FeatureBlock
    _ranges_name = "blocks"

    def __init__(
        self, blocks: Any, kernel_initializer: Any, **kwargs: Any
    ) -> None:
        super().__init__(blocks, **kwargs)
        self.blocks = tuple(
            self.block_class.from_dict(block) for block in blocks
        )
        self.parts = output_parts(self.blocks)
        resolve_initializer("kernel_initializer", kernel_initializer)
        self.kernel_initializer = kernel_initializer

    @property
    def output_channels(self) -> int:
        """Channels that the blocks write."""
        return max(block.outputs[1] for block in self.blocks)

    @property
    def pass_through_channels(self) -> int:
        """Number of output channels that no weights write."""
        return sum(
            stop - start
            for (start, stop), blocks in self.parts
            if len(blocks) == 1 and not self.blocks[blocks[0]].weighted
        )

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        needed = max(block.inputs[1] for block in self.blocks)
        self._check_inputs(inputs_shape, needed)
        self.compute_output_shape(inputs_shape)
        self.kernels, self.biases = [], []
        for index, block in enumerate(self.blocks):
            shape = block.kernel_shape()
            kernel = bias = None
            if shape is not None:
                kernel = self.add_weight(
                    name=f"kernel_{index}",
                    shape=shape,
                    initializer="ones"
                    if block.kind == "scale"
                    else self.kernel_initializer,
                )
            if block.use_bias:
                bias = self.add_weight(
                    name=f"bias_{index}",
                    shape=(block.filters,),
                    initializer="zeros",
                )
            self.kernels.append(kernel)
            self.biases.append(bias)

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int:
        places = math.prod(outputs_shape[1:]) // self.output_channels
        return places * sum(block.macs() for block in self.blocks)

    def call(self, inputs: Any) -> Any:
        outputs = []
        for (start, stop), indices in self.parts:
            total = None
            for index in indices:
                term = self._run(index, inputs)
                before = self.blocks[index].outputs[0] - start
                term = self._pad_channels(term, before, stop - start)
                total = term if total is None else total + term
            outputs.append(total)
        if len(outputs) == 1:
            return outputs[0]
        return ops.concatenate(outputs, axis=self._channel_axis)

    def _run(self, index, inputs):
        """What one block makes of its inputs."""
        raise NotImplementedError

    def _pad_channels(self, x, before, channels):
        after = channels - before - x.shape[self._channel_axis]
        if not before and not after:
            return x
        paddings = [(0, 0)] * len(x.shape)
        paddings[self._channel_axis] = (before, after)
        return ops.pad(x, paddings)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "blocks": [block.to_dict() for block in self.blocks],
            "kernel_initializer": self.kernel_initializer,
        }
