"""The command `keras-pnnh`: one sub-command a file, and no Keras to parse."""

from keras_pnnh.cli.main import main

__all__ = ["main"]
