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
        range: What holds the ratio in nine of ten cases; None where too few
            rounds tell. The ratio itself where there is one number only.
    """

    model: str
    what: str
    where: str
    ratio: float
    range: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """`"ahead"` (the first is), `"behind"`, `"level"` or `"undecided"`.

        What was counted has no noise.
        """
        noise = 0 if self.where == "counted" else NOISE
        if self.range is None:
            return "undecided"
        low, high = self.range
        if self.ratio > 1 and self.ratio >= 1 + noise and low > 1:
            return "ahead"
        if self.ratio < 1 and self.ratio <= 1 - noise and high < 1:
            return "behind"
        if 1 - noise <= low and high <= 1 + noise:
            return "level"
        return "undecided"

    @property
    def won(self) -> bool:
        """Whether the first is ahead by more than the noise."""
        return self.verdict == "ahead"

    def __str__(self) -> str:
        if self.where == "counted" and self.ratio == 1:
            return "equal (counted)"
        text = f"{self.ratio:.2f}x ({self.where}"
        if self.verdict != "undecided":
            return f"{text})"
        if self.range is None:
            return f"{text}, undecided: too few rounds)"
        low, high = self.range
        return f"{text}, undecided: {low:.2f}x to {high:.2f}x)"


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
        Finding(row["model"], what, row["runtime"], row[key], _range(row, key))
        for row in rows
        for key, what in MEASURES.items()
        if row["model"] != first and row[key] is not None
    ]
    for label in others:
        for key, what in COUNTS.items():
            if counts[first].get(key) and key in counts[label]:
                ratio = counts[label][key] / counts[first][key]
                found.append(
                    Finding(label, what, "counted", ratio, (ratio, ratio))
                )
    return found


def _range(row, key):
    """That of a ratio; records from before there were ranges have none."""
    known = row.get(key.replace("_ratio", "_range"), (row[key], row[key]))
    return known and tuple(known)
