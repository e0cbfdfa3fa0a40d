"""The block of two 3x3 convolutions."""

from keras_pnnh.applications._blocks import Blocks


class BasicBlocks(Blocks):
    """Encoder in the first convolution, decoder in the second.

    He et al. 2015 (arXiv 1512.03385), figure 5 left.
    """

    last_relu = "relu2"

    def _block(self, x, coder, filters, strides, name):
        x = self._convolution(
            x, coder, "encoder", filters, f"{name}_conv1", strides=strides
        )
        x = self._relu(x, f"{name}_relu1")
        return self._last._convolution(
            x, coder, "decoder", filters, f"{name}_conv2"
        )
