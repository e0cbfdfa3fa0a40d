import dataclasses
import json
import signal

import keras
import numpy as np
import pytest

from keras_pnnh.cli.main import main
from keras_pnnh.training import train
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.callbacks import RequireFiniteLoss
from keras_pnnh.training.stopping import StopOnSignal


def test_nan_loss_names_step_and_keeps_the_checkpoint(
    make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    get = TrainingBatches.__getitem__

    def poisoned(self, step):
        images, labels = get(self, step)
        if (self.epoch, step) == (1, 2):
            images = np.full_like(images, np.nan)
        return images, labels

    monkeypatch.setattr(TrainingBatches, "__getitem__", poisoned)
    with pytest.raises(FloatingPointError, match="epoch 2, step 3"):
        train(make_model(), tiny_data, tiny_recipe, tmp_path / "run")
    monkeypatch.undo()
    assert not (tmp_path / "run" / "model.weights.h5").exists()
    assert (tmp_path / "run" / "checkpoint-0001.npz").is_file()
    # A cosmic ray, say: the run goes on.
    record = train(
        make_model(), tiny_data, tiny_recipe, tmp_path / "run", resume=True
    )
    assert [row["epoch"] for row in record["epochs"]] == [1, 2]


def test_last_step_of_an_epoch_is_no_gap(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    # One step an epoch: its loss comes before the update that ruins it all.
    recipe = dataclasses.replace(
        tiny_recipe, batch_size=27, learning_rate=1e30, warmup_epochs=0
    )
    with pytest.raises(FloatingPointError, match="validation.*epoch 1"):
        train(make_model(), tiny_data, recipe, tmp_path / "run")
    assert not list((tmp_path / "run").glob("checkpoint*"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_count_without_a_validation_split(value, make_model):
    model = make_model()
    callback = RequireFiniteLoss()
    callback.set_model(model)
    callback.on_epoch_begin(4)
    callback.on_epoch_end(4, {"loss": 1.0})
    variable = model.trainable_variables[-1]
    variable.assign(np.full(variable.shape, value))
    with pytest.raises(FloatingPointError, match=f"{variable.path} at epoch 5"):
        callback.on_epoch_end(4, {"loss": 1.0})


def test_command_line_reports_it(
    train_arguments, tiny_catalog, tmp_path, capsys
):
    where = train_arguments.index("--learning-rate") + 1
    train_arguments[where] = "1e30"
    assert main(train_arguments) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: The training loss must stay finite.")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["recipe"]["learning_rate"] == 1e30


@pytest.fixture
def callback():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    callback = StopOnSignal()
    callback.on_train_begin()
    yield callback
    callback.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "step", ["on_train_batch_begin", "on_test_batch_begin"]
)
def test_an_interrupt_is_kept_until_the_end_of_the_step(callback, step):
    getattr(callback, step)(0)
    signal.raise_signal(signal.SIGINT)  # raises nothing: nobody can lose it
    with pytest.raises(KeyboardInterrupt):
        getattr(callback, step)(1)


def test_a_second_interrupt_does_not_wait(callback):
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        callback = StopOnSignal()
        callback.on_train_begin()
        signal.raise_signal(signal.SIGINT)
        callback.on_train_batch_begin(0)
        callback.close()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_steps_do_not_wait_for_the_callbacks(
    make_model, tiny_data, tiny_recipe, tmp_path, monkeypatch
):
    """On a thread-safe backend, Keras calls them while the next step runs."""
    from threading import get_ident

    threads = []
    see = RequireFiniteLoss.on_train_batch_end

    def slow(self, batch, logs=None):
        threads.append(get_ident())
        see(self, batch, logs)

    monkeypatch.setattr(RequireFiniteLoss, "on_train_batch_end", slow)
    train(make_model(), tiny_data, tiny_recipe, tmp_path / "run")
    assert len(threads) == 6
    if keras.backend.backend() == "jax":
        assert get_ident() not in threads


def test_an_epoch_that_is_done_is_kept(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    class AskAtTheEnd(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(
                make_model(),
                tiny_data,
                tiny_recipe,
                tmp_path / "run",
                callbacks=[AskAtTheEnd()],
            )
    finally:
        signal.signal(signal.SIGINT, before)
    state = json.loads((tmp_path / "run" / "state.json").read_text())
    assert len(state["epochs"]) == 1
    assert (tmp_path / "run" / "checkpoint-0001.npz").is_file()
