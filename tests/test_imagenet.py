"""A tiny ImageNet, made up, goes all the way from its files to a device."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hub_server import HubServer

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.full_only,
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "jax", reason="the example is JAX's"
    ),
]
USE = """
import sys
import keras_pnnh
from keras_pnnh.applications import PlainResNet50

model = PlainResNet50(weights="hf://owner/tiny", input_shape=(64, 64, 3))
report = keras_pnnh.export(keras_pnnh.fold(model), sys.argv[1], "litert")
print(report.joins, report.relative_difference < 1e-3)
"""


@pytest.mark.parametrize("form", ["array_record", "tfrecord"])
def test_from_its_files_to_a_device(form, tmp_path):
    pytest.importorskip("tensorflow_datasets")
    with HubServer() as hub:
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": "hf_owner",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
            "PYTHONPATH": str(ROOT),
        }

        def run(*command):
            done = subprocess.run(
                [sys.executable, *command],
                env=environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            return done.stdout

        data, output = str(tmp_path / "tfds"), tmp_path / "out"
        run("tests/data/made_up_imagenet.py", data, form)
        printed = run(
            *("examples/imagenet_gpu.py", "--data-dir", data),
            *("--epochs", "1", "--batch-size", "6", "--size", "64"),
            *("--output", str(output)),
        )
        assert "of the validation images" in printed
        weights = str(output / "run")
        command = ("-m", "keras_pnnh.cli")
        printed = run(
            *(*command, "evaluate", "--weights", weights, "--image-size"),
            *("64", "--data", "imagenet2012", "--data-dir", data),
            *("--record", weights),
        )
        assert "of 6 images" in printed
        run(*command, "push", "--run", weights, "hf://owner/tiny")
        assert "0 True" in run("-c", USE, str(tmp_path / "net.tflite"))
        assert np.fromfile(tmp_path / "net.tflite", "uint8").size > 1_000_000
