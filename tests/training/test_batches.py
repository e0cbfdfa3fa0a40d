import dataclasses

import numpy as np
import pytest

from keras_pnnh.data import LabelledImages
from keras_pnnh.training.batches import TrainingBatches


@pytest.fixture
def numbered():
    """Every pixel of an image tells the image, its row and its column."""
    images = np.zeros((12, 8, 8, 3), np.uint8)
    images[..., 0] = np.arange(12)[:, None, None] + 1
    images[..., 1] = np.arange(8)[:, None] + 1
    images[..., 2] = np.arange(8) + 1
    return LabelledImages(images, np.arange(12) % 3, ("a", "b", "c"))


def batches(data, recipe, seed=0, epoch=0, **changes):
    made = TrainingBatches(data, dataclasses.replace(recipe, **changes), seed)
    made.epoch = epoch
    return made


def test_batch_depends_on_seed_epoch_and_step_alone(numbered, tiny_recipe):
    first = batches(numbered, tiny_recipe, batch_size=4)
    images, labels = first[1]
    first[2], first[0]
    for again in (first, batches(numbered, tiny_recipe, batch_size=4)):
        np.testing.assert_array_equal(again[1][0], images)
        np.testing.assert_array_equal(again[1][1], labels)
    for seed, epoch, step in ((1, 0, 1), (0, 1, 1), (0, 0, 2)):
        other = batches(numbered, tiny_recipe, seed, epoch, batch_size=4)
        assert not np.array_equal(other[step][0], images)


def test_epoch_visits_every_image_once(numbered, tiny_recipe):
    plain = batches(
        numbered, tiny_recipe, batch_size=4, crop_padding=0, flip=False
    )
    assert len(plain) == 3
    images = np.concatenate([plain[step][0] for step in range(3)])
    assert sorted(images[:, 0, 0, 0]) == list(range(1, 13))


def test_partial_batch_is_left_out(numbered, tiny_recipe):
    assert len(batches(numbered, tiny_recipe, batch_size=5)) == 2
    whole = batches(numbered, tiny_recipe, batch_size=100)
    assert len(whole) == 1
    assert len(whole[0][1]) == 12


def test_shifts_are_whole_pixels_over_zeros_and_flips_occur(
    numbered, tiny_recipe
):
    padding, seen = 2, set()
    for epoch in range(6):
        augmented = batches(
            numbered, tiny_recipe, 0, epoch, batch_size=12, crop_padding=padding
        )
        images, labels = augmented[0]
        for image, label in zip(images, labels, strict=True):
            number = int(image.max(axis=(0, 1))[0]) - 1
            assert label.argmax() == numbered.labels[number]
            seen.add(shift_of(image, numbered.images[number], padding))
    shifts = {shift for shift, _ in seen}
    for axis in range(2):
        assert {shift[axis] for shift in shifts} == set(
            range(-padding, padding + 1)
        )
    assert {flipped for _, flipped in seen} == {False, True}


def test_a_shift_can_leave_the_mirror_image_behind(numbered, tiny_recipe):
    shifted = set()
    for epoch in range(4):
        settings = {"batch_size": 12, "crop_padding": 2, "flip": False}
        augmented = batches(
            numbered, tiny_recipe, 0, epoch, crop_fill="reflect", **settings
        )
        for image in augmented[0][0]:
            number = int(image[0, 0, 0]) - 1
            mirrored = np.pad(
                numbered.images[number], ((2, 2), (2, 2), (0, 0)), "symmetric"
            )
            corners = [
                (row, column)
                for row in range(5)
                for column in range(5)
                if np.array_equal(
                    image, mirrored[row : row + 8, column : column + 8]
                )
            ]
            assert len(corners) == 1
            shifted.update(corners)
    assert len(shifted) > 10


def test_erasing_greys_a_rectangle_of_the_chosen_share(numbered, tiny_recipe):
    def erased(share, epoch):
        settings = {"crop_padding": 0, "flip": False, "erasing": share}
        dull = batches(
            numbered, tiny_recipe, 0, epoch, batch_size=12, **settings
        )
        return [(image == 127.5).all(axis=-1) for image in dull[0][0]]

    always = [mask for epoch in range(4) for mask in erased(1.0, epoch)]
    for mask in filter(np.any, always):
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        np.testing.assert_array_equal(mask, np.outer(rows, columns))
    assert np.mean([mask.any() for mask in always]) > 0.9
    half = [mask.any() for epoch in range(8) for mask in erased(0.5, epoch)]
    assert 0.3 < np.mean(half) < 0.7


def test_augmentation_differs_between_epochs_and_steps(numbered, tiny_recipe):
    def shifts(epoch, step):
        augmented = batches(numbered, tiny_recipe, 0, epoch, batch_size=6)
        images, _ = augmented[step]
        return [
            shift_of(image, numbered.images[int(image.max(axis=(0, 1))[0]) - 1])
            for image in images
        ]

    assert shifts(0, 0) == shifts(0, 0)
    assert shifts(0, 0) != shifts(0, 1)
    assert shifts(0, 0) != shifts(1, 0)


def shift_of(image, original, padding=2):
    """The shift and the flip that make `image`, to the last pixel."""
    padded = np.pad(original, ((padding, padding), (padding, padding), (0, 0)))
    for flipped in (False, True):
        candidate = image[:, ::-1] if flipped else image
        for row in range(2 * padding + 1):
            for column in range(2 * padding + 1):
                crop = padded[row : row + 8, column : column + 8]
                if np.array_equal(candidate, crop):
                    return (row - padding, column - padding), flipped
    raise AssertionError(f"no crop of the padded image: {image[..., 1:]}")


def test_channels_first(numbered, tiny_recipe):
    last = TrainingBatches(numbered, tiny_recipe, 0)
    first = TrainingBatches(numbered, tiny_recipe, 0, "channels_first")
    np.testing.assert_array_equal(first[0][0], np.moveaxis(last[0][0], -1, 1))
