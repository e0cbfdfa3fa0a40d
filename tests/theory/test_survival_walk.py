import numpy as np
import pytest

from keras_pnnh.theory import survival_of_walk, survival_probability, walk


def test_golden_values():
    np.testing.assert_allclose(
        survival_of_walk(np.arange(1, 5)), [1 / 2, 5 / 8, 11 / 16, 93 / 128]
    )
    assert survival_of_walk(110) == pytest.approx(
        1 - 1 / np.sqrt(np.pi * 110), abs=1e-3
    )


@pytest.mark.parametrize("gain", [0.1, 1.0, 3.0])
def test_walk_from_zero_agrees_with_the_closed_form(gain):
    """The first step leaves zero, so that layer n of it is step n."""
    steps = walk([gain] * 20, start=0.0)
    survival = [step.survival for step in steps]
    np.testing.assert_allclose(
        survival, survival_of_walk(np.arange(1, 21)), atol=1e-2
    )


def test_first_step_agrees_with_the_bound():
    """Half of a rectified normal is 0, half of it is `|n|`."""
    (step,) = walk([0.5], start=2.0)
    expected = (0.5 + survival_probability(2.0, 0.5)) / 2
    assert step.survival == pytest.approx(expected, abs=5e-3)


def test_without_a_path_half_survives():
    steps = walk([0.3, 1.0, 2.0], path=False)
    for step in steps:
        assert step.survival == pytest.approx(0.5, abs=5e-3)
        assert step.carry == 0


@pytest.mark.parametrize("layers", [0, 1.5, [1, 0]])
def test_layers_are_counted(layers):
    with pytest.raises(ValueError, match="Received: layers="):
        survival_of_walk(layers)


@pytest.mark.parametrize("gains", [[1.0, 0.0], [-1.0], [np.nan]])
def test_gains_are_positive(gains):
    with pytest.raises(ValueError, match="Received: gains="):
        walk(gains)
