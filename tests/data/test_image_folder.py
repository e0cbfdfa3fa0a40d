import numpy as np
import pytest
from PIL import Image

from keras_pnnh.data import (
    load_images,
    read_image,
)
from keras_pnnh.data.image_folder import read_folder


def write(path, size=(8, 8), mode="RGB", value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 50, 200)).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "data" / "bee" / "1.png")
    write(tmp_path / "data" / "ant" / "2.png", value=10)
    write(tmp_path / "data" / "ant" / "1.PNG", value=20)
    return tmp_path / "data"


def test_classes_and_files_are_sorted(folder):
    data = read_folder(folder)
    assert data.class_names == ("ant", "bee")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.images.dtype == np.uint8
    assert data.images[:, 0, 0].tolist() == [
        [20, 50, 200],
        [10, 50, 200],
        [100, 50, 200],
    ]


def test_what_systems_leave_behind_is_ignored(folder):
    write(folder / ".cache" / "1.png")
    write(folder / "__pycache__" / "1.png")
    write(folder / "__MACOSX" / "1.png")
    for name in ("._1.png", "Thumbs.db", "desktop.ini", ".DS_Store"):
        (folder / "ant" / name).write_text("no image")
    data = read_folder(folder)
    assert data.class_names == ("ant", "bee") and len(data.labels) == 3


@pytest.mark.parametrize("name", ["notes.txt", "2.svg", "1.heic", "more/3.png"])
def test_what_is_left_out_is_named(folder, name):
    write(folder / "bee" / "9.png")
    path = folder / "bee" / name
    path.parent.mkdir(exist_ok=True)
    (folder / "bee" / "9.png").rename(path)
    with pytest.warns(UserWarning, match=f"Left out: bee/{name.split('/')[0]}"):
        assert len(read_folder(folder).labels) == 3


@pytest.mark.parametrize("suffix", ["tif", "TIFF", "gif", "ppm", "webp", "jpe"])
def test_every_promised_format_is_read(folder, suffix):
    write(folder / "bee" / "2.bmp")
    path = folder / "bee" / f"2.{suffix}"
    with Image.open(folder / "bee" / "2.bmp") as image:
        image.save(path, {"jpe": "JPEG"}.get(suffix))
    assert len(read_folder(folder).labels) == 5


def test_resizes_to_height_and_width(tmp_path):
    write(tmp_path / "image.png", size=(12, 6))
    assert read_image(tmp_path / "image.png").shape == (6, 12, 3)
    assert read_image(tmp_path / "image.png", (8, 10)).shape == (8, 10, 3)


def test_truncated_jpeg_is_named(folder):
    path = folder / "ant" / "3.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"3\.jpg.*1000 bytes.*Replace or"):
        read_folder(folder, (8, 8))


@pytest.mark.parametrize("content", [b"", b"some text"])
def test_file_that_is_no_image_is_named(folder, content):
    (folder / "ant" / "3.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"one of BMP.*3\.jpg"):
        read_folder(folder)


def test_missing_image(tmp_path):
    with pytest.raises(FileNotFoundError, match="existing file.*none.png"):
        read_image(tmp_path / "none.png")


def test_several_sizes_need_one(folder):
    write(folder / "bee" / "2.png", size=(9, 8))
    with pytest.raises(ValueError, match="2.png' with 8x9.*`size`"):
        read_folder(folder)
    assert read_folder(folder, (8, 8)).images.shape == (4, 8, 8, 3)


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="existing folder"):
        read_folder(tmp_path / "none")


def test_one_class_is_too_few(tmp_path):
    write(tmp_path / "data" / "ant" / "1.png")
    with pytest.raises(ValueError, match=r"1 sub-folder\(s\): \['ant'\]"):
        read_folder(tmp_path / "data")


def test_empty_class_is_named(folder):
    (folder / "cat").mkdir()
    with pytest.raises(ValueError, match="/cat', which has none"):
        read_folder(folder)


def test_parts_of_a_folder(folder, tmp_path):
    for part, value in (("train", 1), ("test", 2)):
        for name in ("ant", "bee"):
            write(tmp_path / "parts" / part / name / "1.png", value=value)
    parts = tmp_path / "parts"
    assert load_images(parts, "train").images[0, 0, 0, 0] == 1
    assert load_images(str(parts), "test").images[0, 0, 0, 0] == 2
    assert len(load_images(folder, "test").labels) == 3


def test_a_class_may_be_called_like_a_split(tmp_path):
    for name in ("train", "bus", "val"):
        write(tmp_path / "vehicles" / name / "1.png")
    data = load_images(tmp_path / "vehicles", "train")
    assert data.class_names == ("bus", "train", "val")


@pytest.mark.parametrize(
    "names", [("train", "test"), ("train", "val"), ("test", "train", "valid")]
)
def test_classes_that_may_be_parts_are_told(tmp_path, names):
    for name in names:
        write(tmp_path / name / "1.png")
    with pytest.warns(UserWarning, match="like parts of a data set: .*train"):
        data = load_images(tmp_path, "train")
    assert data.class_names == tuple(sorted(names))


@pytest.mark.parametrize("hidden", ["__pycache__", ".git", ".ipynb_checkpoin"])
def test_hidden_folders_beside_and_inside_of_parts(folder, tmp_path, hidden):
    for part in ("train", "test"):
        for name in ("bee", "ant"):
            write(tmp_path / "set" / part / name / "1.png")
        write(tmp_path / "set" / part / hidden / "1.png")
    write(tmp_path / "set" / hidden / "1.png")
    data = load_images(tmp_path / "set", "test")
    assert data.class_names == ("ant", "bee")
    # A class called "train" is no part because of a hidden folder inside it.
    write(tmp_path / "more" / "bus" / "1.png")
    write(tmp_path / "more" / "train" / "1.png")
    write(tmp_path / "more" / "train" / hidden / "1.png")
    names = load_images(tmp_path / "more", "train").class_names
    assert names == ("bus", "train")


@pytest.mark.parametrize("other", ["val", "validation", "more"])
def test_nothing_beside_the_splits(tmp_path, other):
    for part in ("train", other):
        for name in ("ant", "bee"):
            write(tmp_path / "data" / part / name / "1.png")
    with pytest.raises(ValueError, match=f"train.*{other}.*held out"):
        load_images(tmp_path / "data", "train")


def test_progress_sees_every_file(folder):
    seen = []

    def track(items):
        for item in items:
            seen.append(item.name)
            yield item

    read_folder(folder, track=track)
    assert seen == ["1.PNG", "2.png", "1.png"]


@pytest.mark.parametrize("name", ["1.png", "photo.JPG", "gone.png"])
def test_pictures_of_no_class_are_named(folder, name):
    if name == "gone.png":
        (folder / name).symlink_to(folder / "nowhere.png")
    else:
        write(folder / "1.png")
        (folder / "1.png").rename(folder / name)
    with pytest.warns(UserWarning, match=f"Left out: {name}"):
        read_folder(folder)
