"""What makes a network keep its accuracy in 8-bit integers."""

from keras_pnnh.deployment.quantization.preparation import prepare

__all__ = ["prepare"]
