import numpy as np
import pytest

from keras_pnnh.analysis.sampling import input_at, sample_activations, shrink


def batches(array, size=3):
    for start in range(0, len(array), size):
        yield {"a": array[start : start + size]}


def normal(*shape):
    values = np.random.default_rng(0).standard_normal(shape)
    return values.astype("float32")


def test_everything_is_kept_if_it_fits():
    array = normal(7, 4, 6, 5)
    sample = sample_activations(batches(array), 7)["a"]
    np.testing.assert_array_equal(sample.values, array.reshape(7, 24, 5))
    assert sample.grid == (4, 6)


def test_memory_is_bounded():
    array = normal(8, 16, 16, 4)
    sample = sample_activations(batches(array), 8, memory=8 * 40 * 4 * 4)["a"]
    assert sample.values.shape == (8, 40, 4)
    assert len(set(sample.positions)) == 40
    flat = array.reshape(8, 256, 4)
    np.testing.assert_array_equal(sample.values, flat[:, sample.positions])
    least = sample_activations(batches(array), 8, memory=1)["a"]
    assert least.values.shape == (8, 1, 4)


def test_layers_without_positions():
    sample = sample_activations(batches(normal(4, 10)), 4)["a"]
    assert sample.values.shape == (4, 10)
    assert sample.grid == ()


@pytest.mark.parametrize("tokens", [9, 10])
def test_tokens_are_patches_with_or_without_a_class_token(tokens):
    array = normal(4, tokens, 5)
    sample = sample_activations(batches(array), 4)["a"]
    assert sample.grid == (3, 3)
    np.testing.assert_array_equal(sample.values, array[:, -9:])


def test_shrinking_averages_areas():
    images = np.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_allclose(
        shrink(images, (2, 2))[0, ..., 0], [[2.5, 4.5], [10.5, 12.5]]
    )
    np.testing.assert_allclose(shrink(images, (4, 4)), images)
    thirds = shrink(np.array([0.0, 3.0]).reshape(1, 1, 2, 1), (1, 3))
    np.testing.assert_allclose(thirds.ravel(), [0, 1.5, 3])


def test_input_at_the_positions_of_a_layer():
    images = normal(4, 8, 8, 3)
    sample = sample_activations(batches(normal(4, 4, 4, 5)), 4, memory=240)["a"]
    known = input_at(images, sample)
    assert known.shape == (4, 3, 3)
    small = shrink(images, (4, 4)).reshape(4, 16, 3)
    np.testing.assert_array_equal(known, small[:, sample.positions])


def test_input_of_layers_without_positions():
    vector = sample_activations(batches(normal(4, 5)), 4)["a"]
    assert input_at(normal(4, 8, 8, 3), vector).shape == (4, 48)
    assert input_at(normal(4, 7), vector).shape == (4, 7)
    tokens = sample_activations(batches(normal(4, 7, 5)), 4)["a"]
    assert input_at(normal(4, 8, 8, 3), tokens) is None
    assert input_at(normal(4, 7), tokens) is None
