"""From the form a network is trained in to the form it is deployed in."""

from keras_pnnh.folding.fold import fold

__all__ = ["fold"]
