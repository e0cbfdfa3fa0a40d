"""The soak sees what goes wrong; a few of its trials, among them old finds."""

import importlib
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOAK = ROOT / "tools" / "soak"
pytestmark = pytest.mark.torch_only


FOUND = {"right", "refused", "unseen"}


@pytest.mark.slow
def test_trials_by_the_worker():
    """A heap of strings that HDF5 reads for ever: in a process, with an end."""
    done = subprocess.run(
        [
            *(sys.executable, SOAK / "worker.py", "weight_files"),
            *("270", "273", "inf"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = [line["outcome"] for line in lines if "outcome" in line]
    assert len(outcomes) == 3
    assert set(outcomes) <= FOUND, lines


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [
        # Headers of tar archives that zeros overwrote.
        ("pictures", (238, 239, 240, 867)),
        ("constructors", (0, 1, 2)),
    ],
)
def test_trials(kind, seeds, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SOAK))
    from outcomes import of_error

    module = importlib.import_module(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shared = module.prepare(tmp_path)
        for seed in seeds:
            try:
                outcome, note = module.trial(seed, shared)
            except Exception as error:
                outcome, note = of_error(error)
            assert outcome in FOUND, (seed, note)


@pytest.fixture
def soak(monkeypatch):
    monkeypatch.syspath_prepend(str(SOAK))
    import soak

    return soak


BROKEN = """
import os, time
def prepare(folder):
    pass
def trial(seed, shared):
    if seed == 1:
        return "wrong", "other numbers"
    if seed == 2:
        raise KeyError("bare")
    if seed == 3:
        os.abort()
    if seed == 4:
        time.sleep(600)
    if seed == 5:
        raise ValueError("A rule. Received: 5. Do this.")
    return "right", ""
"""


def test_what_is_wrong_is_counted(soak, tmp_path, monkeypatch):
    worker = (SOAK / "worker.py").read_text()
    worker = worker.replace("Path(__file__).parent\n", f"Path({str(SOAK)!r})\n")
    worker = worker.replace("str(HERE),", f"{str(tmp_path)!r}, str(HERE),")
    (tmp_path / "worker.py").write_text(worker)
    (tmp_path / "broken.py").write_text(BROKEN)
    monkeypatch.setattr(soak, "HERE", tmp_path)
    monkeypatch.setattr(soak, "PATIENCE", 10.0)
    monkeypatch.setitem(soak.KINDS, "broken", ("broken", 7, 1.0))
    found = soak.soak("broken", 120)
    assert found["tried"] == found["asked"] == 7
    assert found["outcomes"] == {
        "right": 2,
        "refused": 1,
        "unseen": 0,
        "wrong": 1,
        "bare": 3,
    }
    assert [line["seed"] for line in found["failures"]] == [1, 2, 3, 4]
    assert "no end after 10 seconds" in found["failures"][3]["note"]


def test_the_record_holds_no_failure(soak):
    if not soak.RECORD.is_file():
        pytest.skip("no run is recorded yet")
    record = json.loads(soak.RECORD.read_text())
    assert set(record["kinds"]) == set(soak.KINDS)
    for found in record["kinds"].values():
        assert found["outcomes"]["wrong"] == found["outcomes"]["bare"] == 0
        assert found["tried"] > 0
    networks = record["kinds"]["conversions"]
    assert networks["outcomes"]["right"] >= 0.55 * networks["tried"]
    table = soak.as_table(record)
    assert ("In full" in table) != ("A sample" in table)


def test_a_kind_that_ran_again_replaces_the_earlier_run(
    soak, tmp_path, monkeypatch
):
    monkeypatch.setattr(soak, "RECORD", tmp_path / "soak" / "soak.json")
    assert soak.as_table() == "No run is recorded yet."
    where = {"date": "2026-01-01", "backend": "torch", "commit": "abc"}
    found = {"asked": 50, "outcomes": dict.fromkeys(soak.OUTCOMES, 0)}
    for kind, tried in (("kills", 20), ("pictures", 50), ("kills", 50)):
        soak.keep(kind, found | where | {"tried": tried})
        table = soak.as_table()
        assert f"| {tried} of 50 |" in table
        assert ("In full" in table) == (tried == 50 and "20 of" not in table)
    assert table.index("pictures") < table.index("killed")
