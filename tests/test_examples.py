"""The scripts that the README names run."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[1]


def run(*command):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.torch_only
def test_demo_classifies_folds_and_audits(tmp_path):
    printed = run("examples/demo.py", "--output", tmp_path)
    assert "of 30 right" in printed
    assert "stage1_block1_add" in printed  # where the twin's paths merge
    assert (tmp_path / "predictions.png").stat().st_size > 10_000
    # Standard layers only: Keras alone can read it.
    folded = keras.saving.load_model(tmp_path / "plain_resnet20_folded.keras")
    assert {
        type(layer).__module__.split(".")[0] for layer in folded.layers
    } == {"keras"}


@pytest.mark.full_only
@pytest.mark.torch_only
def test_benchmark_prints_a_ratio_for_every_norm():
    printed = run(
        "benchmarks/training_step.py", "--rounds", "1", "--batch-size", "4"
    )
    for norm in ("`'sum'`", "`'kernel'`", "`None`", "`'learner'`"):
        assert norm in printed


@pytest.mark.full_only
@pytest.mark.torch_only
def test_benchmark_of_throughput_prints_a_ratio_for_every_network(tmp_path):
    printed = run(
        *("benchmarks/throughput.py", "--rounds", "1", "--batch-size", "4"),
        *("--depth", "20", "--output", tmp_path),
    )
    backend = keras.backend.backend()
    assert f"| {backend} | residual twin |" in printed
    assert "| 1.00x |" in printed
    assert len(printed.splitlines()) == 2 + 8 + 2
    assert (tmp_path / f"{backend}.json").is_file()


@pytest.mark.slow
@pytest.mark.torch_only
def test_transfer_learning_trains_the_head_and_then_all(tmp_path):
    printed = run(
        "examples/transfer_learning.py", "--smoke", "--output", tmp_path
    )
    assert "22 layers frozen, numpy input" in printed
    assert "held out: accuracy" in printed
    assert (tmp_path / "confusion.png").stat().st_size > 5_000
    folded = keras.saving.load_model(tmp_path / "folded.keras")
    assert folded.output_shape == (None, 2)
    assert (tmp_path / "model.weights.h5").is_file()


# What an example is for, and what else it needs.
EXAMPLES = {
    "imagenet_gpu.py": ("jax", ["tensorflow"], "validation images"),
    "imagenet_tpu.py": ("jax", ["tensorflow"], "1 hosts"),
    "imagenet_tensorflow.py": ("tensorflow", [], "1 replicas"),
    "split_computing.py": ("torch", [], "5 of 5 labels as without the cut"),
    "torch_gpu.py": ("torch", [], "loss of the last epoch"),
    "detection_keras_cv.py": ("tensorflow", ["keras_cv"], "differs by 0\n"),
    "detection_keras_hub.py": ("torch", ["keras_hub"], "image 1:"),
    "segmentation_keras_hub.py": ("torch", ["keras_hub"], "right pixels"),
}
QUICK = ("imagenet_gpu.py", "split_computing.py", "torch_gpu.py")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs(name, tmp_path):
    backend, packages, printed = EXAMPLES[name]
    if keras.backend.backend() != backend:
        pytest.skip(f"is for {backend}")
    if name not in QUICK and "KERAS_PNNH_ALL_TESTS" not in os.environ:
        pytest.skip("in `make test-full`")
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    output = tmp_path / ("out.keras" if "cv" in name else "out")
    writes = name.startswith("imagenet") or "cv" in name
    more = ["--output", output] if writes else []
    assert printed in run(f"examples/{name}", "--smoke", *more)


@pytest.mark.full_only
@pytest.mark.slow
@pytest.mark.torch_only
def test_construction_takes_not_much_longer_than_keras():
    """The records say 0.7 to 1.4; one round on a busy machine is rough."""
    printed = run("benchmarks/construction.py", "--rounds", "1")
    ratios = {
        row.split(" | ")[1]: float(row.split(" | ")[-1].rstrip("| \n"))
        for row in printed.splitlines()[2:]
    }
    assert set(ratios) == {"coder", "residual", "none"}
    assert max(ratios.values()) < 2.5
