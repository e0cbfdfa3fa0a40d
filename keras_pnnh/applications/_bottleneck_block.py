"""The block of a 1x1, a 3x3 and a wide 1x1 convolution."""

from keras_pnnh.applications._blocks import Blocks


class BottleneckBlocks(Blocks):
    """Encoder in the first 1x1, the code as it is in the 3x3, decoder last.

    He et al. 2015 (arXiv 1512.03385), figure 5 right, with the stride on the
    3x3 convolution ("v1.5"). The code is a quarter as wide as what it carries,
    so the coder loses at least 3/4 of a new signal's variance; what it has
    kept once it keeps from then on (reconstruction).
    """

    expansion = 4
    last_relu = "relu3"

    def _block(self, x, coder, filters, strides, name):
        x = self._convolution(
            x, coder, "encoder", filters, f"{name}_conv1", kernel_size=1
        )
        x = self._relu(x, f"{name}_relu1")
        x = self._convolution(
            x, coder, "code", filters, f"{name}_conv2", strides=strides
        )
        x = self._relu(x, f"{name}_relu2")
        return self._last._convolution(
            x, coder, "decoder", 4 * filters, f"{name}_conv3", kernel_size=1
        )
