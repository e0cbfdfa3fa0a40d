"""The paper's bound holds, and is far from tight."""

import numpy as np
import pytest

from keras_pnnh import theory


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: g.normal(0.7, 1.3, 10**6),
        lambda g: g.exponential(1.0, 10**6) - 0.5,
        lambda g: np.where(g.random(10**6) < 0.9, 1.0, -3.0),
        lambda g: (
            np.maximum(g.standard_normal(10**6), 0.0) + g.standard_normal(10**6)
        ),
    ],
)
def test_it_bounds_any_distribution(draw):
    values = draw(np.random.default_rng(0))
    bound = theory.cantelli_bound(values.mean(), values.var())
    assert 0 < bound <= np.mean(values > 0) + 1e-3


def test_it_is_attained():
    """Two values, one of them just below zero."""
    m, v = 2.0, 3.0
    share = m**2 / (m**2 + v)
    values = np.array([m + v / m, 0.0])
    weights = np.array([share, 1 - share])
    assert weights @ values == pytest.approx(m)
    assert weights @ (values - m) ** 2 == pytest.approx(v)
    assert theory.cantelli_bound(m, v) == pytest.approx(share)


def test_nothing_is_known_without_a_mean():
    assert theory.cantelli_bound(0.0, 0.0) == 0
    np.testing.assert_array_equal(
        theory.cantelli_bound(np.array([-1.0, 0.0, 1.0]), 1.0), [0, 0, 0.5]
    )
    with pytest.raises(ValueError, match="variance=-1"):
        theory.cantelli_bound(1.0, -1.0)


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.0, 3.0])
def test_the_exact_share_is_that_of_random_layers(gain):
    generator = np.random.default_rng(1)
    x = np.maximum(generator.standard_normal((2000, 400)), 0.0)
    weights = generator.standard_normal((400, 400)) * np.sqrt(2 / 400)
    measured = np.mean(x + gain * x @ weights > 0)
    exact = theory.rectified_survival(gain)
    assert measured == pytest.approx(exact, abs=0.04)
    variance = theory.VARIANCE + gain**2
    assert theory.cantelli_bound(theory.MEAN, variance) < exact


def test_the_papers_bound_at_hes_scale():
    """Its variance is that of centred inputs, so it is the larger one."""
    paper = theory.paper_bound(theory.MEAN, theory.VARIANCE)
    ours = theory.cantelli_bound(theory.MEAN, theory.VARIANCE + 1.0)
    assert ours < paper < theory.rectified_survival(1.0)
    assert theory.paper_bound(theory.MEAN, theory.VARIANCE, path=False) == 0
