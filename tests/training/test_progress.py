import io
import time

import pytest
from rich.console import Console

from keras_pnnh.training import progress
from keras_pnnh.training.progress import TrainingProgress


@pytest.fixture
def run(monkeypatch):
    """Two epochs of three steps with 10 images, one second each."""

    def run(first_epoch=0, terminal=True):
        console = Console(
            file=io.StringIO(),
            force_terminal=terminal,
            width=120,
            color_system=None,
        )
        bar = TrainingProgress(4, 3, 10, first_epoch, console=console)
        now = [0.0]
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        bar.progress.get_time = lambda: now[0]
        bar.on_train_begin()
        for epoch in range(first_epoch, first_epoch + 2):
            bar.on_epoch_begin(epoch)
            for step in range(3):
                now[0] += 1.0
                bar.on_train_batch_end(step, {"loss": 1.5})
            bar.progress.refresh()
            bar.on_epoch_end(epoch, {"loss": 1.25, "accuracy": 0.5})
        bar.on_train_end()
        return console.file.getvalue()

    return run


def test_bar_shows_rate_remaining_time_and_loss(run):
    text = run()
    assert "epoch 2/4" in text
    assert "6/12" in text
    assert "10 images/s" in text
    # Six of twelve steps at one a second are left.
    assert "0:00:06" in text
    assert "loss 1.500" in text


def test_every_epoch_leaves_a_line_without_a_terminal(run):
    assert run(terminal=False).splitlines() == [
        "epoch 1/4  accuracy 0.5000  loss 1.2500  10 images/s, 3 s, about "
        "0:00:09 left",
        "epoch 2/4  accuracy 0.5000  loss 1.2500  10 images/s, 3 s, about "
        "0:00:06 left",
    ]


def test_a_long_epoch_says_how_far_it_is(run, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 2.0)
    lines = run(terminal=False).splitlines()
    assert lines[0] == "epoch 1/4, step 2/3  loss 1.500  10 images/s"
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "epoch 1/4",
        "epoch 2/4, step 2/3",
        "epoch 2/4",
    ]


def test_resumed_run_starts_where_it_was(run):
    text = run(first_epoch=2)
    assert "epoch 3/4" in text
    assert "12/12" in text
    assert "epoch 1/4" not in text
