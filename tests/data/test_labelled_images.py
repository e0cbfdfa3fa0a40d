import numpy as np
import pytest

from keras_pnnh.data import LabelledImages


@pytest.fixture
def data():
    """Classes of 40, 20 and 10 images; every image shows its number."""
    labels = np.repeat([0, 1, 2], [40, 20, 10])
    images = np.arange(70, dtype=np.uint8)[:, None, None, None]
    return LabelledImages(images, labels, ("a", "b", "c"))


def test_split_is_stratified_and_disjoint(data):
    rest, share = data.split(0.2, seed=0)
    assert np.bincount(share.labels).tolist() == [8, 4, 2]
    assert np.bincount(rest.labels).tolist() == [32, 16, 8]
    numbers = np.concatenate([rest.images, share.images]).ravel()
    assert sorted(numbers) == list(range(70))
    for part in (rest, share):
        np.testing.assert_array_equal(
            data.labels[part.images.ravel()], part.labels
        )


def test_split_depends_on_the_seed_alone(data):
    share = data.split(0.2, seed=0)[1].images
    np.testing.assert_array_equal(data.split(0.2, seed=0)[1].images, share)
    assert not np.array_equal(data.split(0.2, seed=1)[1].images, share)


def test_nothing_is_held_out_at_zero(data):
    rest, share = data.split(0.0, seed=0)
    assert len(rest.labels) == 70
    assert len(share.labels) == 0


def test_no_class_loses_all_its_images(data):
    with pytest.raises(ValueError, match="'c' with 10 images, 10 of them"):
        data.split(0.97, seed=0)
