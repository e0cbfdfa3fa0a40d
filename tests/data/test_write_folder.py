"""Archives and named data sets become folders of files."""

import subprocess
import sys
import tarfile
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_pnnh.cli.main import main
from keras_pnnh.data import load_images, named, stream_images, write_folder
from keras_pnnh.data.write_folder import folder_names


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("ant", "bee"):
            place = tmp_path / "all" / split / name
            place.mkdir(parents=True)
            for number in range(3):
                pixels = generator.integers(0, 256, (9, 12, 3), np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.jpg")
    return tmp_path / "all"


@pytest.fixture
def archive(folder):
    path = folder.parent / "all.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        file.add(folder, "all")
    return path


def test_an_archive_is_unpacked_and_streamed(archive, tmp_path, capsys):
    made = write_folder(archive, tmp_path / "deep" / "made")
    assert "unpacking" in capsys.readouterr().err
    streamed = stream_images(made, "test", size=(9, 12))
    loaded = load_images(archive, "test")
    np.testing.assert_array_equal(streamed.images[:], loaded.images)
    assert streamed.class_names == loaded.class_names
    assert [p.name for p in made.parent.iterdir()] == ["made"]


def test_the_command(archive, tmp_path, capsys):
    arguments = ["unpack", "--data", str(archive)]
    assert main([*arguments, "--output", str(tmp_path / "made")]) == 0
    assert str(tmp_path / "made") in capsys.readouterr().out
    assert main([*arguments, "--output", str(tmp_path / "made")]) == 1
    assert "holds something" in capsys.readouterr().err
    train = ["train", "--model", "plain_resnet20", "--stream", "--data"]
    train += [str(archive), "--image-size", "32", "--output", str(tmp_path)]
    assert main(train) == 1
    assert "Unpack it once" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4 broken"])
def test_a_damaged_archive_leaves_nothing(content, tmp_path):
    (tmp_path / "bad.tar").write_bytes(content)
    with pytest.raises(ValueError, match="must be complete"):
        write_folder(tmp_path / "bad.tar", tmp_path / "made")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.tar"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("gs://bucket/all.tar", ValueError),
        ("no such file.tar", FileNotFoundError),
        ("No_Such_Set", FileNotFoundError),
    ],
)
def test_what_is_none(source, error, tmp_path):
    with pytest.raises(error, match="Received"):
        write_folder(source, tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_a_file_or_a_full_folder_is_left_alone(archive, folder, tmp_path):
    for path in (archive, folder):
        with pytest.raises(FileExistsError, match="holds something"):
            write_folder(archive, path)
    (tmp_path / "empty").mkdir()
    assert write_folder(archive, tmp_path / "empty").is_dir()


@pytest.fixture
def mocked(monkeypatch):
    """Made-up data sets; they know no splits until they are prepared."""
    pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    splits = ["train", "test"]
    monkeypatch.setattr(named, "splits", lambda builder: splits)
    policy = tfds.testing.MockPolicy.USE_CODE
    with tfds.testing.mock_data(num_examples=5, policy=policy):
        yield splits


@pytest.mark.slow
@pytest.mark.parametrize("name", ["imagenet2012", "mnist"])
def test_a_named_data_set(name, tmp_path, mocked):
    made = write_folder(name, tmp_path / "made", str(tmp_path / "tfds"))
    data = stream_images(made, "test", size=(16, 16))
    assert len(data.labels) == 5 and data.images[:].shape == (5, 16, 16, 3)
    ending = "png" if name == "mnist" else "jpg"
    assert len(list(made.glob(f"train/*/*.{ending}"))) == 5


@pytest.mark.slow
def test_a_data_set_of_one_part_has_no_other(tmp_path, mocked):
    mocked.remove("test")
    made = write_folder("mnist", tmp_path / "made", str(tmp_path / "tfds"))
    assert [path.name for path in made.iterdir()] == ["train"]
    with pytest.raises(FileNotFoundError, match="with train, and no 'test'"):
        load_images("mnist", "test", data_dir=str(tmp_path / "tfds"))


@pytest.mark.slow
def test_array_records_are_read_as_they_are(tmp_path):
    """Made by TFDS itself, with the classes of ImageNet."""
    pytest.importorskip("tensorflow")
    pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("array_record")
    script = Path(__file__).with_name("made_up_imagenet.py")
    place = str(tmp_path / "tfds")
    subprocess.run([sys.executable, script, place], check=True)
    data = load_images("imagenet2012", "test", (16, 16), data_dir=place)
    assert data.images.shape == (6, 16, 16, 3) and len(data.class_names) == 1000
    made = write_folder("imagenet2012", tmp_path / "made", place)
    assert len(list(made.glob("train/*/*.jpg"))) == 18
    assert len(list(made.glob("test/*/*.jpg"))) == 6


class Named:
    """As much of a builder as is asked for its parts and classes."""

    name = "flowers"

    def __init__(self, splits):
        self.info = types.SimpleNamespace(splits=dict.fromkeys(splits))


@pytest.mark.parametrize(
    ("splits", "split", "found"),
    [
        (("train", "validation"), "test", "validation"),
        (("train", "validation", "test"), "test", "test"),
        (("train", "validation"), "validation", "validation"),
    ],
)
def test_the_validation_part_stands_for_a_test(splits, split, found):
    assert named.name_of_split(Named(splits), split) == found


@pytest.mark.parametrize("split", ["train", "validation"])
def test_no_other_part_stands_for_one(split):
    with pytest.raises(FileNotFoundError, match=f"no '{split}'"):
        named.name_of_split(Named(["test"]), split)


@pytest.mark.parametrize("classes", [("a/b", "a:b"), ("cat", " "), (".", "_")])
def test_classes_whose_folders_would_be_one_are_refused(classes):
    with pytest.raises(ValueError, match="folder of its own"):
        folder_names(classes)


def test_classes_are_no_paths_and_no_hidden_folders():
    classes = ("n01/tench", "..", ".hidden", " dog ")
    assert folder_names(classes) == ["n01_tench", "_.", "_hidden", "dog"]
