import dataclasses
import json
import time

import keras
import pytest

from keras_pnnh import auditing, environment
from keras_pnnh.graph.copy_checks import layers_within
from keras_pnnh.training import meter, train
from keras_pnnh.training.batches import TrainingBatches


@pytest.fixture
def slow_input(monkeypatch):
    make = TrainingBatches._make

    def slowly(self, step):
        time.sleep(0.1)
        return make(self, step)

    monkeypatch.setattr(TrainingBatches, "_make", slowly)


def test_rate_and_share_of_the_input(
    slow_input, make_model, tiny_data, tiny_recipe, tmp_path, capsys
):
    record = train(
        make_model(), tiny_data, tiny_recipe, tmp_path, peak_tflops=1e-6
    )
    # The first epoch compiles. Three steps of eight images.
    row = record["epochs"][1]
    rate = row[meter.RATE]
    assert 3 * 8 / row["seconds"] * 0.99 <= rate <= 3 * 8 / 0.3
    # Three batches of a tenth of a second each.
    assert row[meter.INPUT] * 3 * 8 / rate > 0.28
    macs = auditing.audit(make_model()).macs
    assert row[meter.PEAK] == pytest.approx(6 * macs * rate / 1e6, rel=0.01)
    header = (tmp_path / "log.csv").read_text().splitlines()[0].split(",")
    assert {meter.RATE, meter.INPUT, meter.PEAK} <= set(header)
    line = capsys.readouterr().err.splitlines()[-1]
    assert (
        f"{rate:.0f} images/s, input {100 * row[meter.INPUT]:.0f} %, " in line
    )
    assert "% of the peak" in line


@pytest.mark.parametrize(
    "name, peak",
    [
        ("NVIDIA H100 80GB HBM3 0", 989),
        ("NVIDIA H100 PCIe 0", 756),
        ("NVIDIA L4 0", 121),
        ("NVIDIA L40S 0", 362),
        ("TPU v5 lite 0", 197),
        ("another 0", None),
    ],
)
def test_peak_by_the_name_of_the_device(name, peak, make_model, monkeypatch):
    monkeypatch.setattr(
        environment, "hardware", lambda: {"accelerators": [name]}
    )
    assert meter.find_peak(make_model(dtype="mixed_bfloat16")) == peak
    # In 32 bits a device has another peak.
    assert meter.find_peak(make_model()) is None


@pytest.mark.slow
def test_profile_is_written(make_model, tiny_data, tiny_recipe, tmp_path):
    recipe = dataclasses.replace(tiny_recipe, epochs=1, batch_size=4)
    train(make_model(), tiny_data, recipe, tmp_path, profile_steps=1)
    files = [p for p in (tmp_path / "profile").rglob("*") if p.is_file()]
    assert files and all(path.stat().st_size > 1000 for path in files)
    if keras.backend.backend() == "torch":
        events = json.loads(files[0].read_text())["traceEvents"]
        assert any("conv" in event["name"] for event in events)


def test_a_model_that_was_fitted_is_looked_into(make_model, tiny_data):
    """On TensorFlow it then holds a dictionary whose keys are layers."""
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(tiny_data.images, tiny_data.labels, verbose=0)
    assert len(layers_within(model)) > 10
    assert meter.find_peak(model) is None
