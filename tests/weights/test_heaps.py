"""Damage that the HDF5 library would read for ever is found before."""

import struct

import h5py
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.applications import PlainResNet
from keras_pnnh.weights import heaps


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A file with two heaps, of names and of notes."""
    model = PlainResNet((1,), (4,), classes=3, input_shape=(8, 8, 3))
    path = tmp_path_factory.mktemp("weights") / "good.weights.h5"
    keras_pnnh.save_weights(model, path)
    return path


def test_a_sound_file_passes(good):
    heaps.check_heaps(good)
    assert good.read_bytes().count(heaps.START) >= 1


@pytest.mark.parametrize(
    ("index", "length"),
    [
        (0, 0),
        (0, 8),
        (0, 2**64 - 16),
        (1, 2**64 - 1),
        (1, 2**64 - 16),
        (1, 2**32),
        (7, 5000),
    ],
)
@pytest.mark.parametrize("which", [0, -1])
def test_an_object_that_leads_nowhere_is_refused(
    good, which, index, length, tmp_path
):
    content = bytearray(good.read_bytes())
    starts = [
        place
        for place in range(len(content))
        if content.startswith(heaps.START, place)
    ]
    place = starts[which] + heaps.HEADER
    struct.pack_into("<H6xQ", content, place, index, length)
    path = tmp_path / "damaged.weights.h5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="never end. Fetch or write it again"):
        keras_pnnh.from_weights(path)


@pytest.mark.parametrize("size", [b"", bytes(8), b"\xff" * 8, bytes(7) + b"1"])
def test_numbers_that_look_like_a_heap_pass(size, tmp_path):
    path = tmp_path / "numbers.h5"
    look = heaps.START + bytes(3) + size
    with h5py.File(path, "w") as file:
        file["numbers"] = np.frombuffer(look + bytes(64), np.uint8)
    heaps.check_heaps(path)
    path.write_bytes(look)
    heaps.check_heaps(path)


def test_an_empty_file_has_no_heap(tmp_path):
    path = tmp_path / "empty.weights.h5"
    path.touch()
    heaps.check_heaps(path)
