"""Residual networks as plain chains."""

from keras_pnnh.conversion.residual.certificate import Certificate
from keras_pnnh.conversion.residual.convert import from_residual

__all__ = ["Certificate", "from_residual"]
