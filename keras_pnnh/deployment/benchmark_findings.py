"""Where the first network of a benchmark is ahead, and where it is not."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# Two in a hundred is what a busy machine adds by itself.
NOISE = 0.02

MEASURES = {
    "latency_ratio": "time of one image",
    "throughput_ratio": "time of a batch",
    "memory_ratio": "memory of a batch",
}
COUNTS = {
    "macs": "multiply-accumulates",
    "parameters": "parameters",
    "peak_activation": "peak activation",
}


class Finding(NamedTuple):
    """One number of another network, beside that of the first.

    Attributes:
        model: The other network.
        what: What was compared, in words.
        where: The runtime, or `"counted"`.
        ratio: How many times slower or larger the other is.
    """

    model: str
    what: str
    where: str
    ratio: float

    @property
    def won(self) -> bool:
        """Whether the first is ahead by more than the noise.

        What was counted has none.
        """
        if self.where == "counted":
            return self.ratio > 1
        return self.ratio >= 1 + NOISE

    @property
    def equal(self) -> bool:
        """Whether both were counted to be the same."""
        return self.where == "counted" and self.ratio == 1


def find(
    rows: Sequence[Mapping[str, Any]], counts: Mapping[str, Mapping[str, Any]]
) -> list[Finding]:
    """Every comparison with the first network.

    Args:
        rows: What `benchmark` returns.
        counts: Dictionary from network to its counts, such as
            `{"macs": 100, "parameters": 10, "peak_activation": 5}`.

    Returns:
        A list of `Finding`: measured ones in the order of the rows, then
        counted ones. What a system does not tell is left out.

    Example:

    >>> from keras_pnnh.deployment.benchmark_findings import find
    >>> counts = {"chain": {"macs": 10}, "twin": {"macs": 11}}
    >>> (found,) = find([], counts)
    >>> found.what, found.ratio, found.won
    ('multiply-accumulates', 1.1, True)
    """
    first, *others = counts
    found = [
        Finding(row["model"], what, row["runtime"], row[key])
        for row in rows
        for key, what in MEASURES.items()
        if row["model"] != first and row[key] is not None
    ]
    for label in others:
        for key, what in COUNTS.items():
            if counts[first].get(key) and key in counts[label]:
                ratio = counts[label][key] / counts[first][key]
                found.append(Finding(label, what, "counted", ratio))
    return found
