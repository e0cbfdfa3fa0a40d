"""The one argument check that the whole package shares."""

import numpy as np


def check_positive_integer(name: str, value: int) -> None:
    """Raise a `ValueError` unless `value` is an integer of at least 1."""
    integer = isinstance(value, (int, np.integer))
    if not integer or isinstance(value, bool) or value < 1:
        raise ValueError(
            f"`{name}` counts something, so it must be an integer of at least "
            f"1. Received: {name}={value!r}. Try {name}=1 or more."
        )
