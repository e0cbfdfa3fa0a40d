"""The number of devices changes no result."""

import concurrent.futures
import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_pnnh.cli.main import main
from keras_pnnh.training import (
    devices,
    evaluate,
    join_hosts,
    train,
    use_devices,
)
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.roll_call import call_roll

SCRIPT = Path(__file__).with_name("run_cli.py")
jax_only = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="several devices are JAX's"
)


def run(arguments, count=1, **environment):
    flags = f"--xla_force_host_platform_device_count={count}"
    flags += " --xla_backend_optimization_level=0"
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, "XLA_FLAGS": flags, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def start_hosts(arguments, numbers, more=(), faults=("none", "none")):
    """Processes of a run, two devices each."""
    flags = "--xla_force_host_platform_device_count=2"
    flags += " --xla_backend_optimization_level=0"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    command = [sys.executable, SCRIPT, *arguments, "--hosts", address]
    command += ["--processes", "2", *more]
    return [
        subprocess.Popen(
            [*command, "--process", str(number)],
            env={**os.environ, "XLA_FLAGS": flags, "FAULT": faults[number]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in numbers
    ]


def metrics_of(folder):
    record = json.loads((folder / "record.json").read_text())
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return np.array([[row[name] for name in names] for row in record["epochs"]])


@pytest.fixture
def two_epochs(train_arguments):
    """18 streamed images in batches of four; six images of validation."""
    arguments = [*train_arguments]
    arguments[arguments.index("--epochs") + 1] = "2"
    streamed = ["--stream", "--image-size", "8", "--crop-area", "0.3"]
    return [*arguments, *streamed, "--crop-padding", "0"]


@jax_only
@pytest.mark.slow
def test_devices_and_hosts_do_what_one_device_does(two_epochs, tmp_path):
    folders = {}
    for count in (1, 4):
        folder = folders[count] = tmp_path / str(count)
        two_epochs[two_epochs.index("--output") + 1] = str(folder)
        done = run([*two_epochs, "--devices", "all"], count)
        assert done.returncode == 0, done.stderr
        assert "leaves out 2 of 18 training images" in done.stderr
        record = json.loads((folder / "record.json").read_text())
        assert record["devices"] == count
    np.testing.assert_allclose(
        metrics_of(folders[4]), metrics_of(folders[1]), atol=1e-5
    )
    folder = folders["hosts"] = tmp_path / "hosts"
    two_epochs[two_epochs.index("--output") + 1] = str(folder)
    ran = start_hosts(two_epochs, (0, 1))
    printed = [each.communicate(timeout=300) for each in ran]
    assert [each.returncode for each in ran] == [0, 0], printed
    assert "weights, record and curves" in printed[0][0]
    assert "epoch 2/2" in printed[0][1]
    assert not [
        line
        for line in "".join(printed[1]).splitlines()
        if "[Gloo]" not in line and "InitializeLog" not in line
        if "port.cc" not in line
    ]
    np.testing.assert_allclose(
        metrics_of(folder), metrics_of(folders[1]), atol=1e-5
    )
    record = json.loads((folder / "record.json").read_text())
    assert record["devices"] == 4
    # One of 25 images fills up.
    weights = str(folders[1] / "model.weights.h5")
    data = two_epochs[two_epochs.index("--data") + 1]
    command = ["evaluate", "--model", "tiny", "--weights", weights]
    command += ["--data", data, "--batch-size", "5"]
    printed = [
        run([*command, "--devices", str(count)], 5).stdout for count in (1, 5)
    ]
    assert printed[0] == printed[1]
    assert "of 24 images" in printed[0]


def test_a_batch_that_devices_do_not_divide(
    make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    monkeypatch.setattr(devices, "replicas", lambda: 3)
    with pytest.raises(
        ValueError, match="batch_size=8 on 3 devices. Take 6 or 9"
    ):
        TrainingBatches(tiny_data, tiny_recipe, seed=0)
    monkeypatch.setattr(devices, "replicas", lambda: 40)
    recipe = dataclasses.replace(tiny_recipe, batch_size=40)
    with pytest.raises(ValueError, match="36 training images on 40 devices"):
        TrainingBatches(tiny_data, recipe, seed=0)


@jax_only
def test_a_model_of_one_device_is_refused_on_several(
    make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    model = make_model()
    mesh = type("Mesh", (), {"devices": np.zeros(4)})
    monkeypatch.setattr(
        keras.distribution,
        "distribution",
        lambda: type("Four", (), {"device_mesh": mesh}),
    )
    for call in (
        lambda: train(model, tiny_data, tiny_recipe, tmp_path / "run"),
        lambda: evaluate(model, tiny_data),
    ):
        with pytest.raises(ValueError, match="built after its devices.*1 of"):
            call()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("count", [0, -1, True, 1.0, "two"])
def test_count_is_checked(count):
    with pytest.raises(ValueError, match="'all' or a whole number"):
        with use_devices(count):
            pass


def test_more_devices_than_there_are():
    with pytest.raises(ValueError, match="at most the number that there are"):
        with use_devices(1000):
            pass


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="replicas are TensorFlow's"
)
def test_two_replicas_do_what_one_does(two_epochs, tmp_path):
    """Batch norms, too: without synchronisation the losses are 5e-3 off."""
    for count in "12":
        folder = str(tmp_path / count)
        two_epochs[two_epochs.index("--output") + 1] = folder
        done = run([*two_epochs, "--devices", count], LOGICAL_CPUS=count)
        assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        metrics_of(tmp_path / "2"), metrics_of(tmp_path / "1"), atol=1e-5
    )


@jax_only
@pytest.mark.slow
def test_stopped_on_hosts_killed_on_devices_finished_on_one(
    train_arguments, tmp_path, tiny_catalog
):
    folder = tmp_path / "run"
    ran = start_hosts(train_arguments, (0, 1), faults=("none", "terminate 0 1"))
    printed = [each.communicate(timeout=300) for each in ran]
    assert [each.returncode for each in ran] == [143, 143], printed
    state = json.loads((folder / "state.json").read_text())
    assert state["epochs"] or state["step"]
    # Of the last epoch, two steps are kept.
    train_arguments += ["--resume", "--checkpoint-steps", "2"]
    killed = run([*train_arguments, "--devices", "4"], 4, FAULT="kill 3 3")
    assert killed.returncode == -9, killed.stderr
    state = json.loads((folder / "state.json").read_text())
    assert (len(state["epochs"]), state["step"]) == (3, 2)
    assert main(train_arguments) == 0
    output = train_arguments.index("--output") + 1
    train_arguments[output] = str(tmp_path / "unbroken")
    assert main(train_arguments) == 0
    np.testing.assert_allclose(
        metrics_of(folder), metrics_of(tmp_path / "unbroken"), atol=1e-5
    )


@jax_only
@pytest.mark.slow
def test_a_missing_host_is_named(two_epochs):
    (alone,) = start_hosts(two_epochs, [0], ["--host-timeout", "2"])
    _, printed = alone.communicate(timeout=100)
    assert alone.returncode == 1
    assert "Received: nothing from process 1." in printed
    assert "Traceback" not in printed


@pytest.mark.torch_only
def test_roll_call_names_who_is_missing_to_all():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        calls = [
            pool.submit(call_roll, "127.0.0.1", port, 4, number, 4.0)
            for number in (0, 2)
        ]
        for call in calls:
            with pytest.raises(TimeoutError, match="nothing from process 1, 3"):
                call.result()
        calls = [
            pool.submit(call_roll, "127.0.0.1", port, 3, number, 60)
            for number in (0, 1, 1)
        ]
        for call in calls:
            with pytest.raises(ValueError, match="two processes 1"):
                call.result()
        calls = [
            pool.submit(call_roll, "127.0.0.1", port, 2, number, 60)
            for number in (1, 0)
        ]
        assert [call.result() for call in calls] == [None, None]


@jax_only
@pytest.mark.parametrize(
    "arguments, needed",
    [
        (("10.0.0.1:12",), "`processes`"),
        (("10.0.0.1:12", 2), "`process`"),
        (("10.0.0.1", 2, 0), "address:port"),
        (("10.0.0.1:12", 2, 2), "from 0"),
    ],
)
def test_what_hosts_need_is_said(arguments, needed):
    with pytest.raises(ValueError, match=needed):
        join_hosts(*arguments)


def test_precision_and_recipe_by_the_command_line(
    train_arguments, tiny_catalog, tmp_path
):
    more = ["--recipe", "speedrun", "--precision", "mixed_bfloat16"]
    train_arguments[train_arguments.index("--epochs") + 1] = "2"
    assert main([*train_arguments, *more]) == 0
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert "mixed_bfloat16" in json.dumps(record["model"])
    assert record["recipe"]["label_smoothing"] == 0.1
    assert record["recipe"]["scaled_batch"] == 512
