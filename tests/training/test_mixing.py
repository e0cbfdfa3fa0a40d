import dataclasses

import numpy as np
import pytest

from keras_pnnh.data import LabelledImages
from keras_pnnh.training import hosts
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.mixing import mix, resized_crops


@pytest.fixture
def ramps():
    """Images whose pixels tell their row and column."""
    images = np.zeros((20, 16, 16, 3), np.uint8)
    images[..., 0] = 10 * np.arange(16)[:, None]
    images[..., 1] = 10 * np.arange(16)
    return images


def test_crops_are_parts_of_the_image(ramps):
    crops = resized_crops(ramps, 0.08, np.random.default_rng(0))
    assert crops.shape == ramps.shape
    spans = crops.astype(int).max(axis=(1, 2)) - crops.min(axis=(1, 2))
    areas = (spans[:, 0] + 10) * (spans[:, 1] + 10) / 160**2
    assert areas.min() < 0.4 and areas.max() > 0.6
    assert areas.min() > 0.05
    # Rows stay rows, in their order.
    assert (np.diff(crops[..., 0].astype(int), axis=1) >= 0).all()
    assert (np.ptp(crops[..., 0].astype(int), axis=2) <= 1).all()


def test_whole_images_stay_as_they_are(ramps):
    # No other aspect ratio has the whole area.
    crops = resized_crops(ramps, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(crops, ramps)


@pytest.mark.parametrize("mixup, cutmix", [(0.8, 0), (0, 1.0), (0.8, 1.0)])
def test_labels_are_mixed_as_the_pixels(mixup, cutmix):
    labels = np.eye(6, dtype="float32")
    images = np.zeros((6, 16, 16, 6), "float32") + labels[:, None, None]
    kinds = set()
    for seed in range(20):
        generator = np.random.default_rng(seed)
        pixels, mixed = mix(images, labels, mixup, cutmix, generator)
        np.testing.assert_allclose(pixels.mean(axis=(1, 2)), mixed, atol=1e-5)
        np.testing.assert_allclose(mixed.sum(axis=-1), 1, atol=1e-6)
        if (mixed > 0).sum() > 6:
            kinds.add(bool(np.isin(pixels, (0, 1)).all()))
    assert kinds == {cut for cut, on in ((False, mixup), (True, cutmix)) if on}


# Keras 3.15 on torch, in RandAugment.
@pytest.mark.filterwarnings("ignore:Tensor.T is deprecated:UserWarning")
def test_hosts_share_a_batch_in_order(tiny_recipe, monkeypatch):
    generator = np.random.default_rng(0)
    data = LabelledImages(
        generator.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8),
        np.arange(12) % 3,
        ("a", "b", "c"),
    )
    recipe = dataclasses.replace(
        tiny_recipe, crop_area=0.3, mixup=0.5, rand_augment=5
    )
    whole = TrainingBatches(data, recipe, seed=1)[0]
    monkeypatch.setattr(hosts, "count", lambda: 2)
    parts = []
    for number in (0, 1):
        monkeypatch.setattr(hosts, "number", lambda number=number: number)
        parts.append(TrainingBatches(data, recipe, seed=1)[0])
    for each, first, second in zip(whole, *parts, strict=True):
        assert len(first) == len(second) == 4
        np.testing.assert_array_equal(np.concatenate([first, second]), each)
