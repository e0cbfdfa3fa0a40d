import keras
import numpy as np
import pytest
from harness import check_layer, randomize, to_numpy

from keras_pnnh.layers import TokenEmbedding
from keras_pnnh.layers.token_embedding import resample_positions


def test_layer(tmp_path):
    check_layer(
        TokenEmbedding,
        {"class_token": False, "data_format": "channels_first"},
        [(2, 5, 3, 4)],
        trainable=1,
        folder=tmp_path,
    )


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("class_token", [True, False])
def test_tokens_stand_in_rows_behind_that_of_the_class(
    class_token, data_format
):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    layer = TokenEmbedding(class_token, data_format)
    first = data_format == "channels_first"
    given = np.moveaxis(x, -1, 1) if first else x
    layer(given.astype("float32"))
    randomize(layer, seed=1)
    found = to_numpy(layer(given.astype("float32")))
    if class_token:
        token = to_numpy(layer.token) + to_numpy(layer.token_position)
        np.testing.assert_allclose(found[:, :1], [token] * 2, rtol=1e-6)
        found = found[:, 1:]
    for row in range(3):
        for column in range(4):
            place = x[:, row, column] + to_numpy(layer.positions)[row, column]
            np.testing.assert_allclose(
                found[:, 4 * row + column], place, rtol=1e-5, atol=1e-6
            )


def test_every_patch_needs_a_position():
    with pytest.raises(ValueError, match=r"must be known.*\(None, None, 4, 5"):
        TokenEmbedding()(keras.Input((None, 4, 5)))


def test_resampling_keeps_slopes_and_constants():
    slope = np.arange(6.0)[:, None, None] * np.ones((1, 4, 2))
    wider = resample_positions(slope, (12, 4))
    # Centres of the finer rows, away from the edges.
    expected = np.arange(12) / 2 - 0.25
    np.testing.assert_allclose(wider[3:-3, 0, 0], expected[3:-3], atol=1e-5)
    constant = resample_positions(np.full((4, 4, 2), 3.0), (7, 5))
    np.testing.assert_allclose(constant, np.full((7, 5, 2), 3.0), rtol=1e-5)
    same = np.random.default_rng(0).standard_normal((4, 4, 2))
    np.testing.assert_allclose(
        resample_positions(same, (4, 4)), same, rtol=1e-5, atol=1e-6
    )
