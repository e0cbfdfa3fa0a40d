"""Distributions that a coder can be pretrained on, by name.

The rectified normal is that of PNNH (arXiv 2402.08645); the others are there
to ask how much it matters.
"""

from typing import Any

from keras_pnnh.theory import rectified_normal


def normal(shape: Any, generator: Any) -> Any:
    """What stands before a ReLU: signed, so a code of width `d` loses half."""
    return generator.standard_normal(shape)


def uniform(shape: Any, generator: Any) -> Any:
    """Between 0 and 1: bounded, and never exactly 0."""
    return generator.random(shape)


PRETEXTS: dict[str, Any] = {
    "rectified_normal": rectified_normal.sample,
    "normal": normal,
    "uniform": uniform,
}


def find_pretext(pretext: str) -> Any:
    """The function `(shape, generator) -> array` of a name, or itself.

    Raises:
        ValueError: If it is neither.
    """
    if callable(pretext):
        return pretext
    if pretext not in PRETEXTS:
        raise ValueError(
            f"`pretext` must be one of {sorted(PRETEXTS)} or a function "
            "`(shape, generator) -> array`. "
            f"Received: pretext={pretext!r}."
        )
    return PRETEXTS[pretext]
