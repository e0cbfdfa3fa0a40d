"""Weights that one layer hands to others, as long as nobody needs numbers."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class HandedWeights:
    """Weights that a coder or a shared kernel hands to a plain layer.

    Two of them are equal if the numbers are: a layer that is called twice with
    equal ones folds to one layer.

    Args:
        giver: The layer that hands them out, which has a method
            `handed_numbers(part, channels)`.
        part: Which of its weights, such as `"encoder"`.
        channels: Input channels of the layer that takes them.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import Coder
    >>> coder = Coder(4, name="coder")
    >>> handed = coder.handed_out(keras.Input((8, 8, 3)), part="encoder")
    >>> print(handed)
    the encoder of 'coder'
    """

    giver: Any
    part: str
    channels: int

    def numbers(self) -> np.ndarray:
        """The weights, in float64."""
        return self.giver.handed_numbers(self.part, self.channels)

    def __str__(self) -> str:
        return f"the {self.part} of '{self.giver.name}'"
