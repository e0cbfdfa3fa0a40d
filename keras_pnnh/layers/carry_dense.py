"""A dense layer beside channels that are carried."""

import keras
from keras import ops

from keras_pnnh.layers._feature_block import FeatureBlock, output_parts


@keras.saving.register_keras_serializable(package="keras_pnnh")
class CarryDense(keras.layers.Layer):
    """One dense layer whose kernel is made of blocks between channels.

    What `CarryConv2D` is for images, for the last axis of anything: the
    learner's features are multiplied by their kernel, the *carried* ones
    beside them only move ("reserve and merge", reconstruction, on PNNH, arXiv
    2402.08645). At the end of a Transformer's branch it is `[I; W]`, the
    stream plus what the learner adds to it.

    Every block reads a range of channels and writes one; blocks that write to
    the same channels add up. A block is a dictionary:

    - `kind`: `"dense"`, `"scale"` (one factor per channel), or `"identity"`,
      which carries; to a wider range of outputs it adds channels of zeros.
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
    """

    def __init__(self, blocks, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if not blocks:
            raise ValueError(
                "A layer needs at least one block. Received: "
                f"blocks={blocks!r}. See `CarryDense` for what a block is."
            )
        self.blocks = tuple(FeatureBlock.from_dict(block) for block in blocks)
        self.units = max(block.outputs[1] for block in self.blocks)
        self.parts = output_parts(self.blocks)
        self.kernel_initializer = kernel_initializer

    @property
    def carried_channels(self):
        """Output channels that no weights write."""
        return sum(
            stop - start
            for (start, stop), blocks in self.parts
            if len(blocks) == 1 and not self.blocks[blocks[0]].weighted
        )

    def build(self, inputs_shape):
        channels = inputs_shape[-1]
        needed = max(block.inputs[1] for block in self.blocks)
        if needed > channels:
            raise ValueError(
                f"The blocks of layer '{self.name}' read {needed} channels. "
                f"Received: inputs with {channels} channels."
            )
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

    def call(self, inputs):
        outputs = []
        for (start, stop), indices in self.parts:
            total = None
            for index in indices:
                term = self._run(index, inputs)
                before = self.blocks[index].outputs[0] - start
                term = _pad_channels(term, before, stop - start)
                total = term if total is None else total + term
            outputs.append(total)
        if len(outputs) == 1:
            return outputs[0]
        return ops.concatenate(outputs, axis=-1)

    def _run(self, index, inputs):
        block, kernel = self.blocks[index], self.kernels[index]
        x = inputs[..., slice(*block.inputs)]
        if block.kind == "dense":
            x = ops.matmul(x, kernel)
        elif block.kind == "scale":
            x = ops.multiply(x, kernel)
        if block.use_bias:
            x = ops.add(x, self.biases[index])
        return x

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "blocks": [block.to_dict() for block in self.blocks],
            "kernel_initializer": self.kernel_initializer,
        }


def _pad_channels(x, before, channels):
    after = channels - before - x.shape[-1]
    if not before and not after:
        return x
    paddings = [(0, 0)] * (len(x.shape) - 1)
    return ops.pad(x, [*paddings, (before, after)])
