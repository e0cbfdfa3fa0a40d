"""The speed runs of the study: they learn, record, and say why they fail."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "study" / "speedrun"

pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.skipif(
        keras.backend.backend() != "jax", reason="the loop is JAX's"
    ),
]


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import plan
    import recipe
    import speed_run

    yield plan, recipe, speed_run
    for name in ("plan", "recipe", "speed_run", "wide_networks", "device_loop"):
        sys.modules.pop(name, None)


@pytest.fixture
def parts():
    """Dark and light images, which any network tells apart."""
    generator = np.random.default_rng(0)
    labels = np.arange(64, dtype="int32") % 2
    images = generator.integers(0, 100, (64, 32, 32, 3)).astype("uint8")
    images[labels == 1] += 150
    part = (images, labels)
    return {"train": part, "validation": part, "test": part}


@pytest.mark.parametrize("path", ["add+dirac", "concat"])
def test_a_run_learns_and_is_recorded(modules, parts, tmp_path, path):
    plan, recipe, speed_run = modules
    network = {
        "family": "wide",
        "widths": (4, 8),
        "convolutions": 3,
        "path": path,
    }
    settings = recipe.Recipe(
        epochs=12, batch_size=16, learning_rate=0.1, compute="float32"
    )
    job = plan.Job("tiny", path, network, settings, (0, 1), keep=True)
    before = keras.config.dtype_policy()
    try:
        speed_run.run(job, parts, tmp_path)
    finally:
        keras.config.set_dtype_policy(before)
    for seed in (0, 1):
        path_of_record = tmp_path / f"tiny_{path}_seed{seed}.json"
        record = json.loads(path_of_record.read_text())
        losses = [row["loss"] for row in record["epochs"]]
        assert len(losses) == 12 and losses[-1] < 0.7 * losses[0]
        assert record["recipe"]["learning_rate"] == 0.1
        assert record["test"]["images"] == 64
        assert record["epochs"][-1]["validation"] > 0.9
    with np.load(tmp_path / f"tiny_{path}_seed0.npz") as arrays:
        assert arrays["000:stem/kernel"].dtype == "float16"


def test_what_diverges_is_recorded_as_failed(modules, parts, tmp_path):
    plan, recipe, speed_run = modules
    network = {"family": "wide", "widths": (4, 8), "norm": None}
    settings = recipe.Recipe(
        epochs=3, batch_size=16, learning_rate=1e30, compute="float32"
    )
    job = plan.Job("tiny", "wild", network, settings, (0,))
    before = keras.config.dtype_policy()
    try:
        speed_run.run(job, parts, tmp_path)
    finally:
        keras.config.set_dtype_policy(before)
    record = json.loads((tmp_path / "tiny_wild_seed0.json").read_text())
    assert "loss" in record["failure"] and "test" not in record


def test_every_network_of_the_plan_has_a_name_of_its_own(modules):
    plan, _, _ = modules
    names = [
        (job.table, job.label, seed)
        for job in plan.everything()
        for seed in job.seeds
    ]
    assert len(set(names)) == len(names) > 100
