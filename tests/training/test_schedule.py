import keras
import numpy as np
import pytest

from keras_pnnh.training import Recipe
from keras_pnnh.training.schedule import (
    PerUpdate,
    WarmupLinearDecay,
    WarmupStepDecay,
    learning_rate_schedule,
)

# Peak 0.4, 10 steps an epoch, 2 of 10 epochs of warm-up: 20 of 100 steps.
GOLDEN = {
    "cosine": {0: 0, 10: 0.2, 20: 0.4, 40: 0.341421, 60: 0.2, 100: 0},
    "linear": {0: 0, 10: 0.2, 20: 0.4, 40: 0.3, 60: 0.2, 99: 0.005, 100: 0},
    "steps": {0: 0, 10: 0.2, 20: 0.4, 32: 0.4, 33: 0.04, 67: 4e-3, 89: 4e-4},
    "exponential": {0: 0, 10: 0.2, 20: 0.38416, 99: 0.333499},
}


def rate(schedule, step):
    return float(keras.ops.convert_to_numpy(schedule(step)))


@pytest.mark.parametrize("decay", sorted(GOLDEN))
def test_golden_rates(decay):
    recipe = Recipe(epochs=10, learning_rate=0.4, warmup_epochs=2, decay=decay)
    schedule = learning_rate_schedule(recipe, 10)
    for step, expected in GOLDEN[decay].items():
        np.testing.assert_allclose(
            rate(schedule, step), expected, rtol=1e-5, atol=1e-7
        )


@pytest.mark.parametrize("decay", sorted(GOLDEN))
def test_without_warmup_it_starts_at_the_peak(decay):
    recipe = Recipe(epochs=2, learning_rate=0.4, warmup_epochs=0, decay=decay)
    schedule = learning_rate_schedule(recipe, 5)
    np.testing.assert_allclose(rate(schedule, 0), 0.4, rtol=1e-6)
    # Of ten steps, the "steps" come at 3, 7 and 9.
    half = {"steps": 0.04, "exponential": 0.392}.get(decay, 0.2)
    np.testing.assert_allclose(rate(schedule, 5), half, rtol=1e-5)


@pytest.mark.parametrize("decay", sorted(GOLDEN))
def test_shortest_run_has_a_finite_rate(decay):
    # One step, most of which the warm-up would take.
    recipe = Recipe(epochs=1, warmup_epochs=0.9, decay=decay)
    schedule = learning_rate_schedule(recipe, 1)
    assert np.isfinite([rate(schedule, step) for step in range(3)]).all()


@pytest.mark.parametrize(
    "schedule",
    [
        WarmupLinearDecay(0.4, 20, 100),
        WarmupStepDecay(0.4, 20, [25, 50], 0.1),
        PerUpdate(WarmupLinearDecay(0.4, 5, 25), 4),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_config_round_trip(schedule):
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(schedule)
    )
    assert copy.get_config() == schedule.get_config()
    assert rate(copy, 30) == rate(schedule, 30)
