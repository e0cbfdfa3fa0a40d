"""What is drawn is what the audit counted."""

import sys

import pytest

from keras_pnnh.applications import PlainResNet
from keras_pnnh.auditing import (
    audit,
    plot_memory,
)
from keras_pnnh.auditing.memory_figure import curve
from keras_pnnh.folding import fold


@pytest.fixture(scope="module")
def reports():
    numbers = {
        "blocks_per_stage": (1, 1),
        "filters_per_stage": (4, 8),
        "input_shape": (8, 8, 3),
    }
    return {
        "plain": audit(fold(PlainResNet(**numbers))),
        "twin": audit(PlainResNet(**numbers, internal_path="residual")),
    }


def test_the_curve_goes_through_the_peak(reports):
    for report in reports.values():
        places, live = curve(report)
        assert max(live) == report.peak_activation
        name = report.layers[live.index(max(live))].name
        assert name == report.peak_layer
        assert places == sorted(places)
        assert (places[0], places[-1]) == (0, 1)
    # A stem, two blocks of two and a classifier: the twin has no other layer
    # with a kernel.
    for report in reports.values():
        assert len(set(curve(report)[0])) == 7
    assert max(curve(reports["plain"])[1]) < max(curve(reports["twin"])[1])


def test_the_figure_is_written(reports, tmp_path):
    path = tmp_path / "figures" / "memory.png"
    plot_memory(reports, path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    plot_memory({"plain": reports["plain"]}, tmp_path / "one.png")
    # The twin's line is in the figure.
    assert path.read_bytes() != (tmp_path / "one.png").read_bytes()


def test_what_is_refused(reports, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="reports={}"):
        plot_memory({}, tmp_path / "none.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"keras-pnnh\[images\]"):
        plot_memory(reports, tmp_path / "none.png")
    assert not list(tmp_path.iterdir())
