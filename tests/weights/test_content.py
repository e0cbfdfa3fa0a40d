"""Weight files hold the numbers and the notes that were written, or fail."""

import json
import logging
import shutil

import h5py
import numpy as np
import pytest
from harness import to_numpy

from keras_pnnh import from_weights, save_weights
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.weights import (
    Classifier,
    content,
    find_classifier,
    notes,
    registry,
)

BUNDLED = registry.BUNDLED / "plain_resnet20.cifar10.weights.h5"


@pytest.fixture
def path(tmp_path):
    """A copy of a real weight file, to be damaged."""
    return shutil.copy(BUNDLED, tmp_path / "x.weights.h5")


def kernels(file, shape=None):
    found = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.ndim == 4:
            if shape is None or item.shape == shape:
                found.append(name)

    file.visititems(visit)
    return found


def replace(path, change, dtype):
    with h5py.File(path, "r+") as file:
        name = kernels(file)[3]
        values = file[name][()].astype(dtype)
        values[0, 0, 0, 0] = change
        del file[name]
        file[name] = values


@pytest.mark.parametrize(
    ("change", "dtype", "rule"),
    [
        (np.nan, "float32", "finite"),
        (np.inf, "float32", "finite"),
        (-np.inf, "float16", "finite"),
        (1e300, "float64", "finite"),
        (1j, "complex64", "real"),
        (0.123, "float32", "digest"),
    ],
)
def test_other_numbers_are_refused(path, change, dtype, rule):
    replace(path, change, dtype)
    with pytest.raises(ValueError, match="Received: .*x.weights.h5") as got:
        PlainResNet20(weights=path)
    assert rule in str(got.value)


def test_swapped_kernels_are_refused(path):
    with h5py.File(path, "r+") as file:
        first, second, *_ = kernels(file, (3, 3, 16, 16))
        a, b = file[first][()], file[second][()]
        file[first][...], file[second][...] = b, a
    with pytest.raises(ValueError, match="digest"):
        PlainResNet20(weights=path)


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_of_a_kernel_is_refused(path, seed):
    generator = np.random.default_rng(seed)
    with h5py.File(path) as file:
        name = kernels(file)[generator.integers(len(kernels(file)))]
        start, size = file[name].id.get_offset(), file[name].nbytes
    raw = bytearray(BUNDLED.read_bytes())
    raw[start + generator.integers(size)] ^= 1 << generator.integers(8)
    with open(path, "wb") as file:
        file.write(raw)
    with pytest.raises(ValueError, match="Received"):
        PlainResNet20(weights=path)


def test_a_file_without_a_digest_loads_and_says_so(path, caplog):
    with h5py.File(path, "r+") as file:
        del file.attrs[content.ATTRIBUTE]
    with caplog.at_level(logging.INFO):
        model = PlainResNet20(weights=path)
    assert "has no digest" in caplog.text
    expected = PlainResNet20(weights="cifar10").get_weights()
    for got, want in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_every_number_is_read_once(path, monkeypatch):
    read = []
    original = h5py.Dataset.__getitem__

    def count(dataset, *args, **kwargs):
        read.append(dataset.name)
        return original(dataset, *args, **kwargs)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", count)
    with h5py.File(path) as file:
        content.check(file)
    assert read and len(read) == len(set(read))


def test_what_the_registry_has_checked_is_not_looked_at_again(
    path, monkeypatch
):
    looked = []
    monkeypatch.setattr(content, "check", looked.append)
    PlainResNet20(weights="cifar10")
    assert not looked
    PlainResNet20(weights=path)
    assert len(looked) == 1


@pytest.mark.every_backend
def test_what_is_saved_has_a_digest(tmp_path, images):
    model = PlainResNet20(input_shape=(8, 8, 3))
    save_weights(model, tmp_path / "mine.weights.h5")
    with h5py.File(tmp_path / "mine.weights.h5") as file:
        assert file.attrs[content.ATTRIBUTE] == content.digest(file)
    loaded = PlainResNet20(
        weights=tmp_path / "mine.weights.h5", input_shape=(8, 8, 3)
    )
    np.testing.assert_array_equal(
        to_numpy(loaded(images)), to_numpy(model(images))
    )


NOTES = ["not json", "[]", '"x"', "null", "", np.arange(3), "[" * 60_000]


@pytest.mark.parametrize("note", [*NOTES, '{"class_name": "PlainResNet"}'])
def test_a_damaged_architecture_is_one_sentence(path, note):
    with h5py.File(path, "r+") as file:
        file.attrs["keras_pnnh_architecture"] = note
    with pytest.raises(ValueError, match="Received: .*x.weights.h5"):
        PlainResNet20(weights=path)


@pytest.mark.parametrize(
    "note",
    [
        *NOTES,
        "{}",
        json.dumps({"labels": 5, "image_size": [32, 32]}),
        json.dumps({"labels": ["a", 2], "image_size": [32, 32]}),
        json.dumps({"labels": ["a"], "image_size": None}),
        json.dumps({"labels": ["a"], "image_size": [32, -1]}),
    ],
)
def test_a_damaged_classifier_is_one_sentence(path, note):
    with h5py.File(path, "r+") as file:
        file.attrs["keras_pnnh_classifier"] = note
    with pytest.raises(ValueError, match="Received: .*x.weights.h5"):
        find_classifier("plain_resnet20", str(path))


def other_classes(file):
    file.attrs["keras_pnnh_classifier"] = json.dumps(
        {"labels": ["cat", "ant"], "image_size": [8, 8]}
    )


def other_architecture(file):
    noted = json.loads(file.attrs["keras_pnnh_architecture"])
    noted["activation_order"] = "x"
    file.attrs["keras_pnnh_architecture"] = json.dumps(noted)


def no_classes(file):
    del file.attrs["keras_pnnh_classifier"]


def renamed_classes(file):
    file.attrs["keras_pnnh_classifieR"] = file.attrs["keras_pnnh_classifier"]
    no_classes(file)


def one_note_more(file):
    file.attrs["keras_pnnh_more"] = "x"


def another_digest(file):
    file.attrs[notes.DIGEST] = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        other_classes,
        other_architecture,
        no_classes,
        renamed_classes,
        one_note_more,
        another_digest,
    ],
)
def test_notes_are_those_that_were_written(change, tmp_path):
    model = PlainResNet20(input_shape=(8, 8, 3), classes=2)
    path = tmp_path / "x.weights.h5"
    save_weights(model, path, Classifier(("ant", "cat"), (8, 8)))
    assert find_classifier(None, str(path)).labels == ("ant", "cat")
    with h5py.File(path, "r+") as file:
        change(file)
    for call in (from_weights, lambda path: find_classifier(None, str(path))):
        with pytest.raises(ValueError, match="not the one that the digest"):
            call(path)


def test_a_type_of_numbers_that_numpy_lacks_is_one_sentence(path):
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(1 << 20)
    with h5py.File(path, "r+") as file:
        name = kernels(file)[0]
        space = h5py.h5s.create_simple(file[name].shape)
        del file[name]
        h5py.h5d.create(file.id, name.encode(), kind, space)
    with pytest.raises(ValueError, match="which cannot be read: .*precision"):
        PlainResNet20(weights=path)
