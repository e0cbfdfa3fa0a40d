import csv
import io

import keras
import numpy as np
import pytest

from keras_pnnh.analysis import LayerSignal, RecordSignal, measure_signal
from tests.analysis import faulty


def fit(callback, epochs=2):
    model = faulty.chain()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    rows = faulty.inputs(40)
    labels = np.arange(40) % 10
    model.fit(rows, labels, 10, epochs=epochs, verbose=0, callbacks=[callback])
    return model


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_every_step_and_layer(tmp_path):
    printed = io.StringIO()
    rows = faulty.inputs(20)
    recorder = RecordSignal(rows, tmp_path, every=3, overhead=1, stream=printed)
    model = fit(recorder)
    recorded = read(tmp_path / "signal.csv")
    assert list(recorded[0]) == ["step", *LayerSignal._fields]
    steps = sorted({int(row["step"]) for row in recorded})
    assert steps == [0, 3, 6, 8]
    assert len(recorded) == len(steps) * faulty.DEPTH
    assert "measures of 4 steps" in printed.getvalue()
    assert printed.getvalue().strip().endswith("%")
    # The last row is of the weights that training ended with.
    last = measure_signal(model, rows, training=True).layers[-1]
    assert float(recorded[-1]["alignment"]) == pytest.approx(
        last.alignment, abs=1e-3
    )
    # 20 images are too few to read 32 channels out.
    assert recorded[-1]["preservation"] == ""
    assert recorded[-1]["cosine"] != recorded[5]["cosine"]


def test_overhead_is_bounded(tmp_path):
    recorder = RecordSignal(
        faulty.inputs(20),
        tmp_path,
        every=1,
        overhead=1e-6,
        stream=io.StringIO(),
    )
    fit(recorder)
    assert recorder.recordings == 2  # the first and the last


@pytest.mark.every_backend
def test_training_is_not_changed(tmp_path):
    class Nothing(keras.callbacks.Callback):
        pass

    results = []
    for callback in (
        Nothing(),
        RecordSignal(
            faulty.inputs(20), tmp_path, every=1, stream=io.StringIO()
        ),
    ):
        keras.utils.set_random_seed(0)
        results.append(fit(callback).get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_tensorboard_events(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    recorder = RecordSignal(
        faulty.inputs(20),
        tmp_path,
        every=100,
        tensorboard=True,
        stream=io.StringIO(),
    )
    fit(recorder, epochs=1)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert "survival/relu4" in events.Tags()["tensors"]


@pytest.mark.parametrize(
    "wrong", [{"every": 0}, {"overhead": 0.0}, {"overhead": 2.0}]
)
def test_wrong_arguments(wrong, tmp_path):
    with pytest.raises(ValueError, match="Received: every="):
        RecordSignal(faulty.inputs(20), tmp_path, **wrong)
