import numpy as np
import pytest

from keras_pnnh.training import find_learning_rate


@pytest.fixture
def shades(tiny_data):
    """Images that are told apart by how light they are."""
    images = np.zeros_like(tiny_data.images)
    images += (100 * tiny_data.labels)[:, None, None, None].astype("uint8")
    return tiny_data._replace(images=images)


def test_rate_lies_where_the_loss_falls(
    make_model, shades, tiny_recipe, tmp_path
):
    model = make_model()
    before = model.get_weights()
    path = tmp_path / "rates.png"
    found = find_learning_rate(
        model, shades, tiny_recipe, path, 1e-4, 1e4, steps=40
    )
    assert len(found.rates) == len(found.losses) <= 40
    assert found.rates[0] == 1e-4
    np.testing.assert_allclose(np.diff(np.log(found.rates)).std(), 0, atol=1e-6)
    # It went on beyond what the model bears, and ended there.
    assert 1e-4 < found.rate < found.rates[-1] / 3
    assert found.losses[-1] > min(found.losses)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert path.stat().st_size > 5_000


def test_a_loss_that_only_grows_is_refused(make_model, shades, tiny_recipe):
    model = make_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match="must fall before it grows"):
        find_learning_rate(
            model, shades, tiny_recipe, lowest=1e4, highest=1e8, steps=20
        )
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    "wrong", [{"lowest": 0.0}, {"lowest": 2.0, "highest": 1.0}, {"steps": 1}]
)
def test_rates_must_grow(wrong, make_model, tiny_data, tiny_recipe):
    with pytest.raises(ValueError, match="must be positive and grow"):
        find_learning_rate(make_model(), tiny_data, tiny_recipe, **wrong)
