"""Pretrained weights: the table of checkpoints, loading and writing."""

from keras_pnnh.weights.classifier import Classifier, find_classifier
from keras_pnnh.weights.registry import list_weights
from keras_pnnh.weights.writer import save_weights

__all__ = ["Classifier", "find_classifier", "list_weights", "save_weights"]
