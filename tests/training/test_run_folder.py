"""A run touches nothing that is not its own, and explains what it finds."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from keras_pnnh.training import fit, run_lock, train
from keras_pnnh.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def stopped(make_model, tiny_data, tiny_recipe, tmp_path_factory):
    """A run that was stopped after its last epoch."""

    def stop(*arguments):
        raise KeyboardInterrupt

    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "save_weights", stop)
        with pytest.raises(KeyboardInterrupt):
            train(make_model(), tiny_data, tiny_recipe, folder)
    return folder


@pytest.fixture
def run(stopped, tmp_path):
    return Path(shutil.copytree(stopped, tmp_path / "run"))


@pytest.fixture
def go_on(make_model, tiny_data, tiny_recipe):
    def go_on(folder, data=tiny_data, model=None, **arguments):
        model = make_model(seed=5) if model is None else model
        arguments = {"resume": True, **arguments}
        return train(model, data, tiny_recipe, folder, **arguments)

    return go_on


def contents(folder):
    return {
        str(path.relative_to(folder)): path.is_file() and path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "checkpoint-best.pt",
        "checkpoint-0001.npz",
        "model.weights.h5",
        "model.keras",
        "images.npy",
        "record.txt",
        "notes/thesis.txt",
        "checkpoint-500/weights.bin",
        ".unfinished-thoughts",
        ".unfinished-12-thesis.txt",
        ".unfinished-12-log.csv.txt",
        ".unfinished-12-checkpoint-best.npz",
    ],
)
def test_a_folder_of_somebody_else_is_refused(go_on, tmp_path, name, resume):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("three weeks of work")
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match="holds no run, but"):
        go_on(tmp_path, resume=resume)
    assert contents(tmp_path) == before


def test_a_config_of_another_library_is_no_run(go_on, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "checkpoint-500").mkdir()
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="must hold the config of a model"):
        go_on(tmp_path)
    with pytest.raises(FileExistsError):
        go_on(tmp_path, resume=False)
    assert contents(tmp_path) == before


@pytest.mark.torch_only
def test_an_empty_folder_will_do(go_on, tmp_path):
    (tmp_path / ".DS_Store").write_text("a system's")
    (tmp_path / ".unfinished-12-config.json").write_text("{")
    (tmp_path / run_lock.NAME).touch()  # of a run that was killed
    assert len(go_on(tmp_path, resume=False)["epochs"]) == 2
    assert not list(tmp_path.glob(".unfinished-*"))
    assert not (tmp_path / run_lock.NAME).exists()


@pytest.mark.torch_only
def test_what_was_put_beside_a_run_stays(go_on, run):
    mine = {
        "checkpoint-best.npz": "best",
        "checkpoint-9999.npz": "last",
        ".unfinished-thoughts": "why",
        ".unfinished-2024-notes.md": "when",
        ".unfinished-12-my-log.csv": "where",
        ".unfinished-12-checkpoint-best.npz": "who",
        "notes.txt": "how",
    }
    for name, text in mine.items():
        (run / name).write_text(text)
    (run / ".unfinished-x").mkdir()
    (run / "checkpoint-500").mkdir()
    (run / f".unfinished-{os.getpid()}-log.csv").write_text("left over")
    (run / ".unfinished-12-checkpoint-0002.npz").write_text("left over")
    go_on(run)
    assert {name: (run / name).read_text() for name in mine} == mine
    assert (run / ".unfinished-x").is_dir()
    assert (run / "checkpoint-500").is_dir()
    assert not (run / f".unfinished-{os.getpid()}-log.csv").exists()
    assert not (run / ".unfinished-12-checkpoint-0002.npz").exists()
    assert not (run / "checkpoint-0002.npz").exists()


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "7",
        '"text"',
        DEEP,
        "{}",
        '{"epochs": null}',
        '{"epochs": {}}',
        '{"epochs": [1, 2]}',
        '{"epochs": [{}, {}]}',
        '{"epochs": [[]]}',
        '{"epochs": [{"epoch": 1, "seconds": "1", "learning_rate": 0.1}]}',
        '{"epochs": [{"epoch": 2, "seconds": 1, "learning_rate": 0.1}]}',
        '{"epochs": [{"epoch": true, "seconds": 1, "learning_rate": 0.1}]}',
        '{"epochs": [{"epoch": 1, "seconds": NaN, "learning_rate": 0.1}]}',
        '{"epochs": [{"epoch": 1, "seconds": 1, "learning_rate": [1]}]}',
    ],
    ids=lambda text: text[:60],
)
def test_malformed_state(go_on, run, text):
    (run / "state.json").write_text(text)
    before = contents(run)
    with pytest.raises(ValueError, match=r"Received: .*state\.json"):
        go_on(run)
    assert contents(run) == before


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"model": 3}', DEEP])
def test_malformed_config(go_on, run, text):
    (run / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"Received: .*config\.json"):
        go_on(run)


@pytest.mark.parametrize("change", [{"model": {}}, {"recipe": 1}, {"data": []}])
def test_config_of_odd_values(go_on, run, change):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(ValueError, match=r"other settings: \w+: "):
        go_on(run)


def test_bytes_that_are_no_text(go_on, run):
    (run / "state.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="valid JSON"):
        go_on(run)


@pytest.mark.parametrize(
    "name",
    [
        "state.json",
        "config.json",
        "log.csv",
        "curves.png",
        "model.weights.h5",
        "model.keras",
        "record.json",
        "images.npy",
        "checkpoint-0002.npz",
    ],
)
def test_a_folder_in_place_of_a_file(go_on, run, name):
    (run / name).unlink(missing_ok=True)
    (run / name).mkdir()
    with pytest.raises((ValueError, OSError), match=f"Received: .*{name}"):
        go_on(run)
    assert (run / name).is_dir()


@pytest.mark.torch_only
@pytest.mark.parametrize("text", ["", "[]", "null", "{"])
def test_malformed_record(go_on, run, text):
    go_on(run)
    (run / "record.json").write_text(text)
    with pytest.raises(ValueError, match=r"Received: .*record\.json"):
        go_on(run)
    assert (run / "record.json").read_text() == text


def strings(array):
    return np.full(array.shape, "x")


def objects(array):
    return np.full(array.shape, None)


def not_finite(array):
    return np.full(array.shape, np.nan, "float32")


def of_bits(array):
    return np.ones(array.shape, bool)


@pytest.mark.parametrize("change", [strings, objects, not_finite, of_bits])
def test_other_values_in_the_checkpoint(go_on, run, change):
    path = run / "checkpoint-0002.npz"
    arrays = dict(np.load(path))
    name = next(name for name in sorted(arrays) if arrays[name].ndim == 4)
    arrays[name] = change(arrays[name])
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"Received: .*checkpoint-0002\.npz"):
        go_on(run)


def test_one_array_in_place_of_the_checkpoint(go_on, run):
    with open(run / "checkpoint-0002.npz", "wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ValueError, match="must be complete"):
        go_on(run)


def test_a_second_run_in_the_folder_is_refused(go_on, tmp_path):
    with RunFolder(tmp_path / "run").locked():
        before = contents(tmp_path)
        for resume in (False, True):
            with pytest.raises(RuntimeError, match="a run is at work"):
                go_on(tmp_path / "run", resume=resume)
        assert contents(tmp_path) == before
    go_on(tmp_path / "run")


def test_a_second_thread_is_refused(tmp_path):
    errors = []

    def other():
        try:
            with run_lock.locked(tmp_path):
                pass
        except RuntimeError as error:
            errors.append(error)

    with run_lock.locked(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_killed_process_leaves_no_lock(tmp_path):
    code = (
        "import os, pathlib\n"
        "from keras_pnnh.training import run_lock\n"
        f"with run_lock.locked(pathlib.Path({str(tmp_path)!r})):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=300
    )
    assert done.returncode == -9, done.stderr
    assert (tmp_path / run_lock.NAME).exists()
    with run_lock.locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_to(go_on, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(run_lock.os, "open", refuse)
    with pytest.raises(OSError, match="can be written to. Received: .*denied"):
        go_on(tmp_path)


@pytest.mark.parametrize("place", ["file/run", "link"])
def test_no_place_for_a_folder(go_on, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="A run needs a folder. Received"):
        go_on(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


def other_pixels(data):
    return {"images": 255 - data.images}


def one_other_pixel(data):
    images = data.images.copy()
    images[3, 2, 1, 0] ^= 1
    return {"images": images}


def other_labels(data):
    return {"labels": (data.labels + 1) % 3}


def two_labels_swapped(data):
    labels = data.labels.copy()
    labels[[0, 1]] = labels[[1, 0]]
    return {"labels": labels}


def other_order(data):
    return {"images": data.images[::-1], "labels": data.labels[::-1]}


@pytest.mark.parametrize(
    "change, words",
    [
        (other_pixels, "other images"),
        (one_other_pixel, "other images"),
        (other_labels, "other labels"),
        (two_labels_swapped, "other labels"),
        (other_order, "another order"),
    ],
)
def test_other_data_of_the_same_number(go_on, run, tiny_data, change, words):
    data = tiny_data._replace(**change(tiny_data))
    before = contents(run)
    with pytest.raises(ValueError, match=f"other settings: data: {words}"):
        go_on(run, data)
    assert contents(run) == before


def test_a_run_of_an_earlier_version_has_no_digest(go_on, run):
    config = json.loads((run / "config.json").read_text())
    del config["data"]["digest"]
    (run / "config.json").write_text(json.dumps(config))
    (run / "images.npy").unlink()
    assert len(go_on(run)["epochs"]) == 2
    assert RunFolder(run).read_images().shape == (36,)


def test_an_automatic_name_may_differ(go_on, run, make_model):
    config = json.loads((run / "config.json").read_text())
    config["model"]["name"] = "plain_res_net_3"
    (run / "config.json").write_text(json.dumps(config))
    model = make_model(seed=5)
    assert model.name != "plain_res_net_3"
    assert len(go_on(run, model=model)["epochs"]) == 2


def test_other_class_weights_are_other_settings(go_on, run):
    with pytest.raises(ValueError, match="class_weight: was None, now"):
        go_on(run, class_weight={"ant": 2.0})


def test_the_folder_of_a_finished_run_may_be_read_only(go_on, run, monkeypatch):
    record = go_on(run)
    monkeypatch.setattr(run_lock, "locked", None)
    before = contents(run)
    assert go_on(run) == record
    assert contents(run) == before


def test_a_missing_checkpoint_is_named(go_on, run):
    (run / "checkpoint-0002.npz").unlink()
    with pytest.raises(FileNotFoundError, match="without 'checkpoint-0002"):
        go_on(run)
