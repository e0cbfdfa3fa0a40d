"""Residual networks as plain chains."""

from keras_pnnh.conversion.residual.certificate import Certificate
from keras_pnnh.conversion.residual.convert import build_chain, from_residual

__all__ = ["Certificate", "build_chain", "from_residual"]
