import numpy as np
import pytest

from keras_pnnh.training import find_learning_rate


def test_rate_lies_where_the_loss_falls(
    make_model, tiny_data, tiny_recipe, tmp_path
):
    model = make_model()
    before = model.get_weights()
    path = tmp_path / "rates.png"
    found = find_learning_rate(
        model, tiny_data, tiny_recipe, path, 1e-4, 1e4, steps=40
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


@pytest.mark.parametrize(
    "wrong", [{"lowest": 0.0}, {"lowest": 2.0, "highest": 1.0}, {"steps": 1}]
)
def test_rates_must_grow(wrong, make_model, tiny_data, tiny_recipe):
    with pytest.raises(ValueError, match="must be positive and grow"):
        find_learning_rate(make_model(), tiny_data, tiny_recipe, **wrong)
