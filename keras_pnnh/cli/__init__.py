"""The `keras-pnnh` command."""

from keras_pnnh.cli.main import main

__all__ = ["main"]
