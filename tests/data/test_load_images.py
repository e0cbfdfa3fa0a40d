"""Data sets by name; folders are tested in `test_image_folder.py`."""

import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_pnnh.data import load_images, named


@pytest.mark.parametrize("source", ["no/such/folder", "Not a name", "../x"])
def test_neither_folder_nor_name(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="existing folder of images"):
        load_images(source, "train")


@pytest.fixture
def archive(tmp_path):
    """A tar archive that holds `pets/{train,test}/{cat,dog}/0.png`."""
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            folder = tmp_path / "pets" / split / label
            folder.mkdir(parents=True)
            size = (8, 8) if split == "train" else (9, 9)
            Image.new("RGB", size).save(folder / "0.png")
    name = shutil.make_archive(
        str(tmp_path / "pets"), "xztar", tmp_path, "pets"
    )
    return Path(name)


@pytest.mark.parametrize("packed", [True, False])
def test_split_of_an_archive_or_the_folder_it_unpacks_to(archive, packed):
    source = archive if packed else archive.parent / "pets"
    assert load_images(source, "train").images.shape == (2, 8, 8, 3)
    assert load_images(source, "test").images.shape == (2, 9, 9, 3)


def test_missing_split_is_named(archive):
    shutil.rmtree(archive.parent / "pets" / "test")
    with pytest.raises(FileNotFoundError, match="without 'test'"):
        load_images(archive.parent / "pets", "test")


def test_file_that_is_no_archive(tmp_path):
    path = tmp_path / "data.tar"
    path.write_text("no archive")
    with pytest.raises(ValueError, match="data.tar"):
        load_images(path, "train")


def test_missing_tfds_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ModuleNotFoundError, match="pip install 'keras-pnnh"):
        load_images("cifar10", "train")


@pytest.fixture
def tfds(monkeypatch):
    """A stand-in with what the loader uses: no download, no TensorFlow."""
    pytest.importorskip("tensorflow_datasets")
    import tensorflow_datasets as tfds

    class Builder:
        data_dir = "/data/tiny"

        def __init__(self, shapes, features=("image", "label"), error=None):
            self.shapes = shapes
            self.error = error
            labels = type("ClassLabel", (), {"names": ["ant", "bee"]})
            self.info = type("Info", (), {})()
            self.info.features = dict.fromkeys(features, labels)
            self.info.file_format = types.SimpleNamespace(value="tfrecord")
            self.info.splits = {"train": None, "validation": None}

        def download_and_prepare(self):
            if self.error:
                raise self.error

        def as_dataset(self, split, shuffle_files):
            assert not shuffle_files
            self.split = split
            return [
                {
                    "image": np.full(shape, index, np.uint8),
                    "label": index % 2,
                }
                for index, shape in enumerate(self.shapes)
            ]

    def use(*arguments, **options):
        builder = Builder(*arguments, **options)
        monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
        monkeypatch.setattr(tfds, "as_numpy", lambda examples: examples)
        return builder

    return use


def test_named_data_set(tfds):
    builder = tfds([(8, 8, 3)] * 4)
    data = load_images("tiny", "train")
    assert builder.split == "train"
    assert data.class_names == ("ant", "bee")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    load_images("tiny", "test")
    assert builder.split == "validation"


def test_grey_images_become_rgb_and_sizes_one(tfds):
    tfds([(8, 8, 1), (9, 12, 1)])
    assert load_images("tiny", "train", (8, 10)).images.shape == (2, 8, 10, 3)


def test_several_sizes_need_one(tfds):
    tfds([(8, 8, 3), (9, 8, 3)])
    with pytest.raises(ValueError, match="2 sizes.*`size`"):
        load_images("tiny", "train")


def test_data_set_of_another_kind(tfds):
    tfds([], features=("text",))
    with pytest.raises(ValueError, match=r"'image' and 'label'.*\['text'\]"):
        load_images("tiny", "train")


def test_failed_download(tfds):
    tfds([], error=ConnectionError("no network\nand much more"))
    with pytest.raises(OSError, match="no network. Connect.*`data_dir`") as got:
        load_images("tiny", "train")
    assert "\n" not in str(got.value)


@pytest.mark.slow
def test_unknown_name_is_refused_at_once(tmp_path):
    pytest.importorskip("tensorflow_datasets")
    with pytest.raises(FileNotFoundError, match="'no_such_set', which is nei"):
        load_images("no_such_set", "train", data_dir=str(tmp_path))


@pytest.mark.slow
def test_mocked_data_set(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    # A made-up data set knows no splits until it is prepared.
    monkeypatch.setattr(named, "splits", lambda builder: ["train", "test"])
    with tfds.testing.mock_data(num_examples=6):
        data = load_images("mnist", "test", (8, 8), data_dir=str(tmp_path))
    assert data.images.shape == (6, 8, 8, 3)
    assert len(data.class_names) == 10


def test_a_damaged_record_is_numbered():
    def records():
        yield {"label": 0}
        raise RuntimeError("block header hash mismatch\nat byte 8")

    builder = types.SimpleNamespace(name="flowers", data_dir="/data/flowers")
    read = named._read(builder, "train", records())
    assert next(read) == {"label": 0}
    with pytest.raises(ValueError, match=r"record 2 of 'train'.*mismatch\. R"):
        next(read)
