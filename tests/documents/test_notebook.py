"""The notebook is that of the example, and its cells run in order."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

import notebook


def cells(kind):
    content = json.loads(notebook.NOTEBOOK.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    return [
        "".join(cell["source"])
        for cell in content["cells"]
        if cell["cell_type"] == kind
    ]


def test_it_is_made_of_the_example():
    assert notebook.NOTEBOOK.read_text(encoding="utf-8") == notebook.build()
    assert "examples/transfer_learning.py" in cells("markdown")[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*head:UserWarning")  # it is new
def test_its_cells_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in cells("code"):
        code = code.replace("parse_args([])", "parse_args(['--smoke'])")
        exec(compile(code, "cell", "exec"), names)
    assert "held out: accuracy" in capsys.readouterr().out
    folder = tmp_path / "runs" / "transfer_learning"
    assert (folder / "confusion.png").is_file()
    assert (folder / "folded.keras").is_file()
