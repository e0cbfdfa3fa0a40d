"""The results of a file beside those of the Keras model."""

import sys
from typing import Any

import numpy as np


def compare(report: Any, model: Any, probe: Any, results: Any) -> Any:
    """The report with the differences between file and model.

    Args:
        report: An `ExportReport`.
        model: The Keras model.
        probe: Images.
        results: What the file made of them.

    Raises:
        ValueError: If the results are of another shape.
    """
    expected = np.asarray(model.predict(probe, batch_size=250, verbose=0))
    if results.shape != expected.shape:
        raise ValueError(
            "An exported file must give results of the model's shape. "
            f"Received: {results.shape} from {report.runtime}, "
            f"{expected.shape} from Keras."
        )
    difference = np.abs(results - expected)
    # NaN compares as nothing; it must not pass for small.
    largest = float(np.where(np.isnan(difference), np.inf, difference).max())
    scale = float(np.abs(expected).max())
    return report._replace(
        images=len(probe),
        largest_difference=largest,
        relative_difference=largest / scale if scale else largest,
        top1_agreement=top1_agreement(results, expected),
        signal_to_noise=signal_to_noise(results, expected),
    )


def top1_agreement(results: np.ndarray, expected: np.ndarray) -> float:
    """The share of images whose largest result is the same."""
    return float((results.argmax(-1) == expected.argmax(-1)).mean())


def signal_to_noise(results: np.ndarray, expected: np.ndarray) -> float | None:
    """In dB; None where one of them is nothing."""
    noise = float(np.square(results - expected, dtype="float64").sum())
    signal = float(np.square(expected, dtype="float64").sum())
    if not noise or not signal:
        return None
    return float(10 * np.log10(signal / noise))


def refuse_difference(report: Any, form: Any) -> None:
    """Raise a ValueError if the differences are not rounding."""
    # What rounds on purpose must be finite, no more.
    limit = sys.float_info.max if form.tolerance is None else form.tolerance
    if not report.relative_difference <= limit:
        raise ValueError(
            "An exported file must compute what the model computes, to "
            f"{limit:.0g} of its largest result. Received: a difference of "
            f"{report.relative_difference:.2g} between Keras and "
            f"{report.runtime}. Nothing was written. Try another format, or "
            "`verify=False` to look into it."
        )
