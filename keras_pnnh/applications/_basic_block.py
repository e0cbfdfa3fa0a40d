"""The block of two 3x3 convolutions."""

from keras_pnnh.applications._blocks import Blocks, Convolution


class BasicBlocks(Blocks):
    """Encoder in the first convolution, decoder in the second.

    He et al. 2015 (arXiv 1512.03385), figure 5 left.
    """

    convolutions = (
        Convolution("encoder", 1, kernel_size=3, strided=True),
        Convolution("decoder", 1, kernel_size=3),
    )
