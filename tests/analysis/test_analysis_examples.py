"""The scripts of `study/analysis` run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full_only, pytest.mark.torch_only]

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "study" / "analysis"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_dissipation_smoke(tmp_path):
    printed = run("dissipation.py", "--smoke", "--output", tmp_path)
    assert printed.count("8 layers") == 3
    record = tmp_path / "evidence" / "analysis" / "dissipation.json"
    assert len(json.loads(record.read_text())["networks"]) == 3
    figure = tmp_path / "docs" / "figures" / "dissipation.png"
    assert figure.stat().st_size > 20_000


def test_validation_of_one_record(tmp_path):
    study = tmp_path / "study" / "gain"
    study.mkdir(parents=True)
    name = "residual-20-seed0.json"
    source = ROOT / "evidence" / "study" / "gain" / name
    (study / name).write_text(source.read_text())
    output = tmp_path / "validation.json"
    run(
        "validate_preflight.py",
        *("--study", study.parent, "--output", output, "--images", "8"),
    )
    (row,) = json.loads(output.read_text())["runs"]
    assert 0 < row["accuracy"] < 1
    assert row["run"] == "residual-20-seed0"
