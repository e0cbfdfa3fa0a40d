"""Figures are written whole, and names in them are no formulas."""

import sys

import pytest

from keras_pnnh.presentation.canvas import new_figure, save_figure


@pytest.mark.parametrize("name", ["$x", r"a$\frac{$", "$^_", "50 %"])
def test_names_are_no_formulas(name, tmp_path):
    figure = new_figure(3, 2)
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], label=name)
    axis.set_title(name)
    axis.legend()
    save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"keras-pnnh\[images\]"):
        new_figure(1, 1)


def test_powers_of_ten_stay_formulas(tmp_path):
    figure = new_figure(3, 2)
    axis = figure.subplots()
    axis.plot([1, 1000], [1, 1000])
    axis.set_yscale("log")
    figure.canvas.draw()
    axis.set_title("two\nlines\x1b[2J")
    save_figure(figure, tmp_path / "figure.png")
    assert all(label.get_parse_math() for label in axis.get_yticklabels())
    assert axis.get_title() == "two\nlines\\x1b[2J"
