"""Runs whose images are decoded when they are needed."""

import dataclasses

import numpy as np
import pytest
from test_resume import assert_same_run, run_with_fault

from keras_pnnh.cli.main import main
from keras_pnnh.data import stream_images
from keras_pnnh.training import evaluate
from keras_pnnh.training.batches import TrainingBatches

STREAMED = ("--stream", "--image-size", "8", "--crop-area", "0.3")


@pytest.mark.slow_on_jax
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_catalog")
def test_a_streamed_run_goes_on_amid_an_epoch(train_arguments, tmp_path):
    arguments = [*train_arguments, *STREAMED, "--crop-padding", "0"]
    amid = [*arguments, "--checkpoint-steps", "1"]
    killed = run_with_fault(amid, "kill 1 2")
    assert killed.returncode == -9, killed.stderr
    assert list((tmp_path / "run").glob("checkpoint-0001-00000?.npz"))
    assert main([*amid, "--resume"]) == 0
    output = arguments.index("--output") + 1
    arguments[output] = str(tmp_path / "unbroken")
    assert main(arguments) == 0
    assert_same_run(tmp_path / "run", tmp_path / "unbroken")


@pytest.mark.parametrize(
    "changes", ({}, {"mixup": 0.2}, {"crop_padding": 1, "cutmix": 1.0})
)
def test_hosts_together_read_the_batch_of_one(
    image_folder, tiny_recipe, monkeypatch, changes
):
    data = stream_images(image_folder, "train", size=(8, 8), workers=2)
    settings = {"crop_padding": 0, "crop_area": 0.3, **changes}
    recipe = dataclasses.replace(tiny_recipe, **settings)
    whole = TrainingBatches(data, recipe, seed=1)
    whole.epoch = 1
    images, labels = whole[1]
    monkeypatch.setattr("keras_pnnh.training.hosts.count", lambda: 2)
    parts = []
    for number in range(2):
        monkeypatch.setattr(
            "keras_pnnh.training.hosts.number", lambda number=number: number
        )
        part = TrainingBatches(data, recipe, seed=1)
        part.epoch = 1
        parts.append(part[1])
    np.testing.assert_array_equal(
        np.concatenate([part[0] for part in parts]), images
    )
    np.testing.assert_array_equal(
        np.concatenate([part[1] for part in parts]), labels
    )


def test_evaluation_of_streamed_images_equals_that_of_loaded_ones(
    image_folder, make_model
):
    streamed = stream_images(image_folder, "test", size=(8, 8))
    loaded = streamed._replace(images=streamed.images[:])
    model = make_model()
    # Two batches of 5 times 4 are held at a time: the second part is smaller.
    assert evaluate(model, streamed, batch_size=5) == evaluate(
        model, loaded, batch_size=5
    )


def test_streaming_needs_a_size_and_skipping_needs_streaming(
    train_arguments, tiny_catalog, capsys
):
    assert main([*train_arguments, "--stream"]) != 0
    assert "--image-size" in capsys.readouterr().err
    assert main([*train_arguments, "--skip-bad"]) != 0
    assert "without `--stream`" in capsys.readouterr().err
