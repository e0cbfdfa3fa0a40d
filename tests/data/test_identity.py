import numpy as np
import pytest

from keras_pnnh.data import LabelledImages
from keras_pnnh.data.identity import difference, fingerprints, identify

RANDOM = np.random.default_rng(0)
DATA = LabelledImages(
    RANDOM.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8),
    np.arange(6) % 2,
    ("a", "b"),
)


def test_equal_data_are_equal_however_they_lie_in_memory():
    images = np.asfortranarray(DATA.images)
    same = DATA._replace(images=images, labels=DATA.labels.astype("uint8"))
    assert identify(same) == identify(DATA)
    assert difference(identify(DATA), identify(same)) is None


def test_the_same_bytes_of_another_size_are_another_image():
    turned = DATA.images.reshape(6, 5, 4, 3)
    assert not set(fingerprints(turned)) & set(fingerprints(DATA.images))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"images": DATA.images[::-1]}, "other labels"),
        ({"images": DATA.images // 2 * 2}, "other images"),
        ({"class_names": ("a", "c")}, "other labels"),
        ({"class_names": ("b", "a")}, "other labels"),
    ],
)
def test_what_differs(change, words):
    found = difference(identify(DATA), identify(DATA._replace(**change)))
    assert found.startswith(words)


def test_order():
    chosen = np.array([2, 1, 0, 3, 4, 5])
    other = DATA._replace(
        images=DATA.images[chosen], labels=DATA.labels[chosen]
    )
    assert difference(identify(DATA), identify(other)).startswith("another")


def test_an_image_more():
    more = DATA._replace(
        images=np.concatenate([DATA.images, DATA.images[:1]]),
        labels=np.append(DATA.labels, 0),
    )
    found = difference(identify(DATA), identify(more))
    assert found.startswith("other images")


@pytest.mark.parametrize("odd", [None, 3, "text", [], {}, {"images": 3}])
def test_an_odd_identity_is_another(odd):
    assert difference(odd, identify(DATA)).startswith("other images")
