"""See what happens to the signal inside a network, before and in training."""

from keras_pnnh.analysis.probe import Probe
from keras_pnnh.analysis.taps import Tap, find_taps

__all__ = ["Probe", "Tap", "find_taps"]
