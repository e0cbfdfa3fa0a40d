"""The block of a 1x1, a 3x3 and a wide 1x1 convolution."""

from keras_pnnh.applications._blocks import Blocks, Convolution


class BottleneckBlocks(Blocks):
    """Encoder in the first 1x1, the code as it is in the 3x3, decoder last.

    He et al. 2015 (arXiv 1512.03385), figure 5 right, with the stride on the
    3x3 convolution ("v1.5"). The code is a quarter as wide as what it carries,
    so the coder loses at least 3/4 of a new signal's variance; what it has
    kept once it keeps from then on (reconstruction).
    """

    convolutions = (
        Convolution("encoder", 1, kernel_size=1),
        Convolution("code", 1, kernel_size=3, strided=True),
        Convolution("decoder", 4, kernel_size=1),
    )
