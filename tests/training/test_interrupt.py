import signal

import pytest

from keras_pnnh.training.interrupt import StopOnInterrupt


@pytest.fixture
def callback():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    callback = StopOnInterrupt()
    callback.on_train_begin()
    yield callback
    callback.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("step", ["on_train_batch_end", "on_test_batch_end"])
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
        callback = StopOnInterrupt()
        callback.on_train_begin()
        signal.raise_signal(signal.SIGINT)
        callback.on_train_batch_end(0)
        callback.close()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
