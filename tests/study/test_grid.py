"""The harness of the study: a run, a failure, and their table."""

import dataclasses
import functools
import json
import sys
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[2] / "study"))
sys.path.append(str(Path(__file__).parents[2] / "study" / "speedrun"))

import accuracy_figure
import epochs_figure
import figures
import grid
import report
import run as study

from keras_pnnh.layers import Coder

RANDOM = {"classes": 2, "coder_initializer": "random"}

TABLE = grid.Table(
    "A test",
    {"coder": {"classes": 2}, "none": {"internal_path": "none", "classes": 2}},
    seeds=(0,),
    size=8,
    changes={
        "epochs": 1,
        "warmup_epochs": 0.0,
        "batch_size": 4,
        "crop_padding": 1,
        "validation_split": 0.25,
    },
)


@pytest.fixture
def data(tmp_path):
    """Eight images of two classes, for training and for testing."""
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(4):
                pixels = generator.integers(0, 256, (8, 8, 3), "uint8")
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return str(tmp_path / "data")


@pytest.fixture
def evidence(tmp_path, monkeypatch):
    folder = tmp_path / "evidence"
    monkeypatch.setattr(study, "EVIDENCE", folder)
    monkeypatch.setattr(report, "EVIDENCE", folder)
    monkeypatch.setitem(grid.TABLES, "tiny", TABLE)
    return folder


def test_a_run_leaves_a_record_and_a_line_in_its_table(
    data, evidence, tmp_path
):
    coder, none = TABLE.runs("tiny")
    assert report.as_table("tiny").startswith("No records yet")
    line = study.execute(coder, data, tmp_path / "runs")
    assert line.startswith("tiny/coder-20-seed0: test accuracy 0.")
    record = json.loads((evidence / "tiny/coder-20-seed0.json").read_text())
    assert (record["table"], record["label"]) == ("tiny", "coder-20")
    assert record["model"]["internal_path"] == "coder"
    assert record["test"]["images"] == 8
    accuracy = f"{100 * record['test']['accuracy']:.1f}"
    line, other = report.as_table("tiny").splitlines()[2:4]
    assert line.startswith("| coder-20 | 282") and line.endswith(
        f"| {accuracy} |"
    )
    assert not other  # the other network has no record yet


def test_a_network_that_is_not_the_library_s(data, evidence, tmp_path):
    network = {"blocks_per_stage": (1, 1, 1), "code_ratio": 0.5, "classes": 2}
    table = dataclasses.replace(
        TABLE, networks={"half": network}, model="block_path_resnet"
    )
    (run,) = table.runs("tiny")
    study.execute(run, data, tmp_path / "runs")
    record = json.loads((evidence / "tiny/half-20-seed0.json").read_text())
    assert record["model"]["class_name"] == "BlockPathResNet"
    assert record["model"]["code_ratio"] == 0.5
    assert record["test"]["images"] == 8


def test_a_failure_is_kept_as_one(data, evidence, tmp_path, monkeypatch):
    def diverge(*args, **kwargs):
        raise FloatingPointError("the loss is NaN")

    monkeypatch.setattr(study, "train", diverge)
    _, none = TABLE.runs("tiny")
    assert "FAILED" in study.execute(none, data, tmp_path / "runs")
    record = json.loads((evidence / "tiny/none-20-seed0.json").read_text())
    assert record["failed"] == "the loss is NaN"
    assert "| 1, 1 failed | - | - | - |" in report.as_table("tiny")


def test_finished_runs_are_not_repeated(data, evidence, tmp_path, capsys):
    for run in TABLE.runs("tiny"):
        study.record_path(run).parent.mkdir(parents=True, exist_ok=True)
        study.record_path(run).write_text("{}")
    study.main(["tiny", "--data", data, "--runs", str(tmp_path / "runs")])
    assert capsys.readouterr().out.startswith("0 runs to do")
    (first, _) = TABLE.runs("tiny")
    study.record_path(first).unlink()
    study.main(["tiny", "--data", data, "--only", "tiny/none-*", "*-seed1"])
    assert capsys.readouterr().out.startswith("0 runs to do")
    with pytest.raises(SystemExit):
        study.main(["huge", "--data", data])
    refused = capsys.readouterr().err
    assert f"TABLE must be among {sorted(grid.TABLES)}" in refused
    assert "['bottleneck', 'coder', 'confirmation', 'deeper'" in refused
    assert "Received: ['huge']" in refused


@pytest.mark.parametrize("pretext", ["uniform", "activations"])
def test_coders_are_pretrained_and_the_record_says_so(
    pretext, data, evidence, tmp_path, monkeypatch
):
    few_steps = functools.partialmethod(Coder.pretrain, 2)
    monkeypatch.setattr(Coder, "pretrain", few_steps)
    network = {**RANDOM, "pretext": pretext}
    table = dataclasses.replace(TABLE, networks={"coder": network})
    (run,) = table.runs("tiny")
    study.execute(run, data, tmp_path / "runs")
    (record,) = (evidence / "tiny").glob("*.json")
    described = json.loads(record.read_text())["data"]
    assert described["pretext"] == pretext
    errors = described["reconstruction_errors"]
    assert set(errors) == {f"stage{stage}_coder" for stage in (1, 2, 3)}
    assert all(0 < error < 1 for error in errors.values())


def test_a_figure_is_current_until_a_record_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "FOLDER", tmp_path / "figures")
    (figure,) = (f for f in figures.FIGURES if f.table == "depth")
    assert not figure.is_current()
    numbers = figure.read()
    assert numbers["none"][56][0] > numbers["coder-learner-gain0.3"][56][0]
    figure.draw()
    assert (tmp_path / "figures" / "depth.png").is_file()
    assert figure.is_current()
    numbers["none"][56].append(90.0)
    assert not dataclasses.replace(figure, read=lambda: numbers).is_current()


def test_the_figure_of_the_epochs_shows_every_seed(monkeypatch):
    runs = [
        {"epochs": [{"val_accuracy": 0.25}, {"val_accuracy": last}]}
        for last in (0.5, 0.75)
    ]
    monkeypatch.setattr(report, "read", lambda table: {"coder-20": runs})
    numbers = epochs_figure.errors()
    assert numbers == {"coder-20": [[75.0, 50.0], [75.0, 25.0]]}
    axes = matplotlib.figure.Figure().subplots()
    epochs_figure.plot(axes, numbers)
    (line,) = axes.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [75.0, 37.5])
    (shade,) = axes.collections
    heights = shade.get_paths()[0].vertices[:, 1]
    assert heights.min() == 25.0 and heights.max() == 75.0


def test_the_figure_of_accuracy_shows_every_point_twice():
    numbers = accuracy_figure.points()
    assert {point["kind"] for point in numbers} == set(accuracy_figure.KINDS)
    panels = matplotlib.figure.Figure().subplots(1, 2)
    accuracy_figure.plot(panels, numbers)
    for axes, cost in zip(panels, ("macs", "parameters"), strict=True):
        shown = [
            tuple(point)
            for group in axes.collections
            if group.get_label() in accuracy_figure.KINDS.values()
            for point in group.get_offsets().tolist()
        ]
        wanted = [(p[cost] / 1e6, p["accuracy"]) for p in numbers]
        assert sorted(shown) == sorted(wanted)


@pytest.mark.parametrize("name", sorted(grid.TABLES))
def test_lines_beside_a_table_are_trained_like_it(name):
    table = grid.TABLES[name]
    if not table.beside:
        return
    other, labels = table.beside
    runs = {run.label: run for run in grid.TABLES[other].runs(other)}
    (recipe,) = {run.recipe for run in table.runs(name)}
    for label in labels:
        assert (runs[label].recipe, runs[label].size) == (recipe, table.size)
