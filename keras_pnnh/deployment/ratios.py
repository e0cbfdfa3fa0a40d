"""Ratios of times that were measured in turns, and how far they are known."""

import math
from collections.abc import Sequence

# How often a range of the kind below holds the true median.
CERTAIN = 0.9


def ratios_of(times: Sequence[float], of_first: Sequence[float]) -> list[float]:
    """How many times longer something took than the first, round by round."""
    return [one / other for one, other in zip(times, of_first, strict=True)]


def range_of_median(values: Sequence[float]) -> tuple[float, float] | None:
    """A range that holds the median in nine of ten cases.

    Each value is as likely above the median as below, however they are
    distributed, so the ranks of the range follow from tossing coins.

    Args:
        values: What was measured.

    Returns:
        The two ends, or None where there are too few: below five.

    Example:

    >>> from keras_pnnh.deployment.ratios import range_of_median
    >>> range_of_median([1.1, 1.3, 1.2, 1.0, 5.0])
    (1.0, 5.0)
    >>> range_of_median([1.1, 1.3])
    """
    count, outside, rank = len(values), 0.0, None
    for place in range(count // 2):
        # Both tails: no more than `place` of the values on one side.
        outside += 2 * math.comb(count, place) / 2**count
        if outside > 1 - CERTAIN:
            break
        rank = place
    if rank is None:
        return None
    ordered = sorted(values)
    return ordered[rank], ordered[-1 - rank]
