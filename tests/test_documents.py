"""Numbers in documents come from records in the repository."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keras_pnnh.weights import registry
from keras_pnnh.weights.card import render_card

ROOT = Path(__file__).parents[1]


def test_tables_match_the_records():
    script = ROOT / "examples" / "tables.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


@pytest.mark.parametrize("name", registry.list_bundled())
def test_card_matches_its_record(name):
    entry = registry.WEIGHTS[name]
    folder = ROOT / "weights" / name
    record = json.loads((folder / "record.json").read_text())
    assert (ROOT / entry.card).read_text() == render_card(name, entry, record)


def test_card_needs_a_test_result():
    name = registry.list_bundled()[0]
    record = json.loads((ROOT / "weights" / name / "record.json").read_text())
    del record["test"]
    with pytest.raises(ValueError, match="evaluate"):
        render_card(name, registry.WEIGHTS[name], record)
