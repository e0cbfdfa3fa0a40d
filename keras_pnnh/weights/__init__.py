"""Pretrained weights: the table of checkpoints, loading and writing."""

from keras_pnnh.weights.registry import find_weights, list_weights
from keras_pnnh.weights.writer import save_weights

__all__ = ["find_weights", "list_weights", "save_weights"]
