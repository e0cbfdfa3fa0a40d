import keras
import numpy as np
import pytest
from keras import layers

from keras_pnnh.analysis import measure_signal, measures
from tests.analysis import faulty


def test_measures_are_those_of_the_whole_layer(images):
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    model = keras.Model(x, layers.Conv2D(2, 3, name="end")(y))
    report = measure_signal(model, images, batch_size=3)
    (layer,) = report.layers
    values = keras.Model(x, y).predict(images, verbose=0)
    assert layer[:5] == ("conv", 1, True, True, 4)
    assert layer.survival == measures.survival_share(values)
    assert layer.variance == pytest.approx(
        measures.activation_variance(values), 1e-4
    )
    assert layer.cosine == pytest.approx(measures.mean_cosine(values), 1e-4)
    assert layer.rank == pytest.approx(measures.effective_rank(values), 1e-3)


@pytest.mark.every_backend
def test_gradient_is_that_of_all_batches_together():
    model = faulty.chain()
    rows = faulty.inputs(10)
    labels = np.arange(10)
    whole = measure_signal(model, rows, labels, batch_size=10)
    parts = measure_signal(model, rows, labels, batch_size=4)
    for one, other in zip(whole.layers, parts.layers, strict=True):
        assert one.gradient == pytest.approx(other.gradient, 1e-3)
    bare = measure_signal(model, rows, gradients=False)
    assert all(layer.gradient is None for layer in bare.layers)


def test_linear_layers_preserve_a_vector():
    x = keras.Input((8,))
    model = keras.Model(x, layers.Dense(20, name="wide")(x))
    rows = faulty.inputs(100)[:, :8]
    (layer,) = measure_signal(model, rows, layers="wide").layers
    assert layer.preservation == pytest.approx(1, abs=1e-4)
    assert layer.survival == pytest.approx(0.5, abs=0.2)


def test_report_is_a_table():
    lines = str(measure_signal(faulty.chain(), faulty.inputs(8))).splitlines()
    assert lines[0] == "chain, 8 images"
    assert lines[1].split()[:3] == ["name", "depth", "survival"]
    assert len(lines) == 2 + faulty.DEPTH


def test_too_few_images():
    with pytest.raises(ValueError, match="Received: 3"):
        measure_signal(faulty.chain(), faulty.inputs(3))
