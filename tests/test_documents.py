"""Numbers in documents come from records in the repository."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_pnnh.applications import list_models
from keras_pnnh.publishing.card import render_card
from keras_pnnh.weights import registry

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tools"))

import efficiency_counts  # noqa: E402
import model_counts  # noqa: E402


def smallest_of_each_family():
    smallest = {}
    for name, paths in model_counts.read().items():
        family = re.match("plain_[a-z]+", name)[0]
        size = paths["none"]["macs"]
        smallest[family] = min(smallest.get(family, (size, name)), (size, name))
    return [name for _, name in smallest.values()]


@pytest.mark.slow
@pytest.mark.torch_only
def test_tables_match_the_records():
    script = ROOT / "tools" / "tables.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_every_model_is_counted():
    """If not: `python tools/model_counts.py`."""
    assert sorted(model_counts.read()) == sorted(list_models())


@pytest.mark.slow
@pytest.mark.torch_only
@pytest.mark.parametrize("name", smallest_of_each_family())
def test_counts_are_those_of_the_model(name):
    assert model_counts.count(name) == model_counts.read()[name]


@pytest.mark.torch_only
def test_counts_are_those_of_the_efficient_network():
    assert list(efficiency_counts.read()) == list(efficiency_counts.NETWORKS)
    name = "shared half learners beside half a code"
    assert efficiency_counts.count(name) == efficiency_counts.read()[name]


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


def test_a_card_says_how_far_a_run_got():
    name = registry.list_bundled()[0]
    path = ROOT / "weights" / name / "record.json"
    record = json.loads(path.read_text())
    record["recipe"]["epochs"] = len(record["epochs"]) + 7
    card = render_card(name, registry.WEIGHTS[name], record)
    assert f"stopped after {len(record['epochs'])} epochs" in card
