"""Residual networks as plain chains."""

from keras_pnnh.pass_through.conversion.certificate import Certificate
from keras_pnnh.pass_through.conversion.convert import (
    build_chain,
    from_residual,
)

__all__ = ["Certificate", "build_chain", "from_residual"]
