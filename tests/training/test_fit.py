import copy
import csv
import dataclasses
import json
import signal

import keras
import numpy as np
import pytest
from run_cli import tiny_model

from keras_pnnh.training import evaluate, fit, train
from keras_pnnh.training.run_keeper import RunStopped


@pytest.fixture(scope="module")
def run(make_model, tiny_data, tiny_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit") / "run"
    model = make_model()
    record = train(
        model,
        tiny_data,
        tiny_recipe,
        folder,
        seed=7,
        description={"source": "noise"},
        tensorboard=True,
    )
    return model, record, folder


def test_record_tells_how_it_came_about(run, tiny_recipe):
    _, record, folder = run
    assert json.loads((folder / "record.json").read_text()) == record
    record = copy.deepcopy(record)
    assert record["seed"] == 7
    assert record["model"]["class_name"] == "PlainResNet"
    assert record["model"]["filters_per_stage"] == [8, 16]
    assert record["recipe"]["label_smoothing"] == tiny_recipe.label_smoothing
    assert record["data"].pop("digest").keys() == {"images", "labels", "order"}
    assert record["data"] == {
        "source": "noise",
        "training_images": 27,
        "validation_images": 9,
        "classes": ["ant", "bee", "cat"],
    }
    backend = keras.backend.backend()
    assert record["versions"]["backend"] == backend
    assert record["versions"].keys() >= {
        "keras_pnnh",
        "python",
        "keras",
        "numpy",
        backend,
    }
    assert record["hardware"]["cores"] >= 1
    assert record["hardware"]["processor"]
    assert [row["epoch"] for row in record["epochs"]] == [1, 2]
    assert record["epochs"][0].keys() == {
        "epoch",
        "accuracy",
        "loss",
        "val_accuracy",
        "val_loss",
        "learning_rate",
        "seconds",
        "images_per_second",
        "input_share",
    }


def test_log_holds_the_same_metrics(run):
    _, record, folder = run
    with open(folder / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [
        {key: float(value) for key, value in row.items()} for row in rows
    ] == record["epochs"]


def test_curves_are_an_image(run):
    from PIL import Image

    with Image.open(run[2] / "curves.png") as image:
        image.load()
        assert image.size == (1080, 420)


def test_tensorboard_logs(run):
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    _, record, folder = run
    for part, prefix in (("train", ""), ("validation", "val_")):
        events = event_accumulator.EventAccumulator(
            str(folder / "logs" / part), size_guidance={"tensors": 0}
        )
        events.Reload()
        found = [
            float(np.frombuffer(event.tensor_proto.tensor_content, "<f4")[0])
            if event.tensor_proto.tensor_content
            else event.tensor_proto.float_val[0]
            for event in events.Tensors("epoch_loss")
        ]
        wanted = [row[f"{prefix}loss"] for row in record["epochs"]]
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_weights_load_into_the_constructor(run, make_model, tiny_data):
    model, _, folder = run
    copy = make_model(seed=1)
    copy.load_weights(folder / "model.weights.h5")
    images = tiny_data.images[:4].astype("float32")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(copy(images, training=False)),
        keras.ops.convert_to_numpy(model(images, training=False)),
    )


def test_no_checkpoint_is_left(run):
    assert not list(run[2].glob("checkpoint*"))
    assert not list(run[2].glob(".unfinished*"))


def test_stopped_after_the_last_epoch(
    run, make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    def stop(*arguments):
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    monkeypatch.setattr(fit, "save_weights", stop)
    arguments = {"seed": 7, "description": {"source": "noise"}}
    with pytest.raises(KeyboardInterrupt):
        train(make_model(), tiny_data, tiny_recipe, folder, **arguments)
    monkeypatch.undo()
    model = make_model(seed=5)  # whatever it holds, the checkpoint counts
    record = train(
        model, tiny_data, tiny_recipe, folder, resume=True, **arguments
    )
    trained, expected, _ = run
    for key in ("loss", "val_loss", "learning_rate"):
        assert [row[key] for row in record["epochs"]] == [
            row[key] for row in expected["epochs"]
        ]
    for found, wanted in zip(
        model.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_finished_run_gives_its_weights_and_record(
    run, make_model, tiny_data, tiny_recipe, capsys
):
    trained, expected, folder = run
    model = make_model(seed=5)
    record = train(
        model,
        tiny_data,
        tiny_recipe,
        folder,
        seed=7,
        description={"source": "noise"},
        resume=True,
    )
    assert record == expected
    assert "nothing is left to do" in capsys.readouterr().err
    for found, wanted in zip(
        model.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_output_that_is_a_file(make_model, tiny_data, tiny_recipe, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(OSError, match="could not be written.*another folder"):
        train(make_model(), tiny_data, tiny_recipe, tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_mixed_float16_resumes_exactly(tiny_data, tiny_recipe, tmp_path):
    def build(seed):
        keras.utils.set_random_seed(seed)
        return tiny_model(
            classes=3,
            input_shape=(8, 8, 3),
            classifier_activation=None,
            dtype="mixed_float16",
        )

    unbroken = build(0)
    train(unbroken, tiny_data, tiny_recipe, tmp_path / "unbroken")
    interrupt = InterruptAfter(epoch=0)
    with pytest.raises(KeyboardInterrupt):
        train(
            build(0),
            tiny_data,
            tiny_recipe,
            tmp_path / "run",
            callbacks=[interrupt],
        )
    resumed = build(5)
    train(resumed, tiny_data, tiny_recipe, tmp_path / "run", resume=True)
    for found, wanted in zip(
        resumed.get_weights(), unbroken.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


class Terminate(keras.callbacks.Callback):
    """Asks the run to end, as a cluster does, before a step."""

    def __init__(self, epoch, step):
        super().__init__()
        self.wanted = (epoch, step)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.wanted:
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("moment", [(0, 1), (1, 2)])
def test_sigterm_keeps_the_step(
    run, moment, make_model, tiny_data, tiny_recipe, tmp_path
):
    trained, expected, _ = run
    arguments = {"seed": 7, "output": tmp_path / "run"}
    with pytest.raises(RunStopped):
        train(
            make_model(),
            tiny_data,
            tiny_recipe,
            callbacks=[Terminate(*moment)],
            **arguments,
        )
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    state = json.loads((tmp_path / "run" / "state.json").read_text())
    assert (len(state["epochs"]), state["step"]) == moment
    model = make_model(seed=5)
    record = train(model, tiny_data, tiny_recipe, resume=True, **arguments)
    for found, wanted in zip(record["epochs"], expected["epochs"], strict=True):
        for name in ("loss", "accuracy", "val_loss", "learning_rate"):
            assert found[name] == wanted[name]
    for found, wanted in zip(
        model.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    assert not list((tmp_path / "run").glob("checkpoint*"))


def test_a_step_is_kept_now_and_then(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    kept = set()

    class Look(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            kept.update(path.name for path in tmp_path.glob("checkpoint*"))

    recipe = dataclasses.replace(tiny_recipe, batch_size=4)  # six steps
    train(
        make_model(),
        tiny_data,
        recipe,
        tmp_path,
        callbacks=[Look()],
        checkpoint_steps=2,
    )
    assert kept == {
        "checkpoint-0000-000002.npz",
        "checkpoint-0000-000004.npz",
        "checkpoint-0001.npz",
        "checkpoint-0001-000002.npz",
        "checkpoint-0001-000004.npz",
    }


class InterruptAfter(keras.callbacks.Callback):
    """Interrupts at the first step after an epoch, which is kept."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch > self.epoch:
            raise KeyboardInterrupt


def test_further_callbacks_and_what_they_measure(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    class Measure(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                logs["late"] = 0.5
                self.model.stop_training = True

    recipe = dataclasses.replace(tiny_recipe, epochs=4)
    record = train(
        make_model(), tiny_data, recipe, tmp_path, callbacks=[Measure()]
    )
    assert [row.get("late") for row in record["epochs"]] == [None, 0.5]
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert "late" in header.split(",")


@pytest.mark.slow_on_jax
def test_class_weight_is_a_factor_on_the_loss(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    recipe = dataclasses.replace(
        tiny_recipe,
        epochs=1,
        batch_size=27,
        crop_padding=0,
        flip=False,
        warmup_epochs=0,
    )
    losses = [
        train(
            make_model(), tiny_data, recipe, tmp_path / str(n), class_weight=w
        )["epochs"][0]["loss"]
        for n, w in enumerate(
            (
                None,
                {"ant": 2, "bee": 2, "cat": 2},
                {0: 3, 1: 3, 2: 3},
                {"bee": 0, "ant": 0, 2: 0},
            )
        )
    ]
    np.testing.assert_allclose(
        losses[1:3], [2 * losses[0], 3 * losses[0]], rtol=1e-5
    )
    assert losses[3] == 0
    record = json.loads((tmp_path / "1" / "record.json").read_text())
    assert record["class_weight"] == {"ant": 2, "bee": 2, "cat": 2}


def test_the_average_is_validated_and_is_the_result(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    """Also of a run that was stopped amid an epoch."""
    recipe = dataclasses.replace(
        tiny_recipe, average=0.5, accumulation=2, label_smoothing=0.0
    )
    model = make_model()
    record = train(model, tiny_data, recipe, tmp_path / "unbroken", seed=7)
    measured = evaluate(model, tiny_data.split(0.25, 7)[1])
    last = record["epochs"][-1]
    assert measured["loss"] == pytest.approx(last["val_loss"], abs=1e-5)
    stopped = tmp_path / "stopped"
    with pytest.raises(RunStopped):
        train(
            make_model(),
            tiny_data,
            recipe,
            stopped,
            seed=7,
            callbacks=[Terminate(0, 1)],
        )
    again = make_model(seed=5)
    resumed = train(again, tiny_data, recipe, stopped, seed=7, resume=True)
    for name in ("loss", "val_loss"):
        assert [row[name] for row in resumed["epochs"]] == [
            row[name] for row in record["epochs"]
        ]
    for found, wanted in zip(
        again.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "weights",
    [
        {"dog": 1},
        {3: 1},
        {-1: 1},
        {True: 1},
        {"ant": -1},
        {"ant": float("nan")},
        {"ant": "2"},
        {"ant": 1, 0: 2},
    ],
    ids=str,
)
def test_class_weight_is_checked(
    make_model, tiny_data, tiny_recipe, tmp_path, weights
):
    with pytest.raises(ValueError, match="`class_weight` must .*Received"):
        train(
            make_model(),
            tiny_data,
            tiny_recipe,
            tmp_path / "run",
            class_weight=weights,
        )
    assert not (tmp_path / "run").exists()
