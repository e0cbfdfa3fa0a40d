"""Archives give all of their images, or an error."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_pnnh.data import load_images, read_image


def names(count):
    return [f"data/{'ab'[n % 2]}/{n:02}.png" for n in range(count)]


@pytest.fixture
def picture():
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3))
    stream = io.BytesIO()
    Image.fromarray(pixels.astype("uint8")).save(stream, "png")
    return stream.getvalue()


def write_tar(path, mode, picture, count=4):
    with tarfile.open(path, mode) as archive:
        for name in names(count):
            member = tarfile.TarInfo(name)
            member.size = len(picture)
            archive.addfile(member, io.BytesIO(picture))


def write_zip(path, picture, count=4):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names(count):
            archive.writestr(name, picture)


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "", "zip"])
def test_what_is_whole_is_read(kind, picture, tmp_path):
    path = tmp_path / f"x.{kind or 'tar'}"
    if kind == "zip":
        write_zip(path, picture)
    else:
        write_tar(path, f"w:{kind}", picture)
    data = load_images(path, "train")
    assert data.class_names == ("a", "b") and len(data.labels) == 4


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "", "zip"])
def test_what_was_cut_off_is_refused(kind, picture, tmp_path):
    path = tmp_path / "x"
    if kind == "zip":
        write_zip(path, picture)
    else:
        write_tar(path, f"w:{kind}", picture)
    whole = path.read_bytes()
    used = len(whole) if kind else 4 * (512 + 512 * -(-len(picture) // 512))
    for part in range(1, 16):
        path.write_bytes(whole[: used * part // 16])
        with pytest.raises(ValueError, match="Received: .*x"):
            load_images(path, "train")


def test_a_cut_between_two_files_is_noticed(picture, tmp_path):
    path = tmp_path / "x.tar"
    write_tar(path, "w", picture, count=6)
    whole = path.read_bytes()
    member = 512 + 512 * -(-len(picture) // 512)
    for cut in range(2 * member, 6 * member, 256):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="complete"):
            load_images(path, "train")


@pytest.mark.parametrize("kind", ["", ":gz", ":xz", ":bz2"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_header_of_zeros_is_no_end(kind, count, picture, tmp_path):
    path = tmp_path / "x.tar"
    write_tar(path, "w", picture, count=6)
    whole = bytearray(path.read_bytes())
    member = 512 + 512 * -(-len(picture) // 512)
    opener = {"": open, ":gz": gzip.open, ":xz": lzma.open}
    # One block of zeros, two as at the end, a whole member.
    for zeros in (512, 1024, member):
        start = count * member
        damaged = bytearray(whole)
        damaged[start : start + zeros] = bytes(zeros)
        with opener.get(kind, bz2.open)(path, "wb") as file:
            file.write(damaged)
        with pytest.raises(ValueError, match="complete.*Received"):
            load_images(path, "train")
    # What `tar` pads with is no damage.
    with opener.get(kind, bz2.open)(path, "wb") as file:
        file.write(whole + bytes(20 * 512))
    assert len(load_images(path, "train").labels) == 6


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zip"])
def test_a_flipped_bit_is_noticed_or_harmless(kind, picture, tmp_path):
    path = tmp_path / "x"
    if kind == "zip":
        write_zip(path, picture)
    else:
        write_tar(path, f"w:{kind}", picture)
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    expected = load_images(path, "train").images
    for _ in range(25):
        damaged = bytearray(whole)
        damaged[generator.integers(len(whole))] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        try:
            data = load_images(path, "train")
        except ValueError as error:
            assert "Received" in str(error)
        else:
            np.testing.assert_array_equal(data.images, expected)


@pytest.mark.parametrize("kind", ["gz", "xz", "zip"])
def test_a_bomb_is_refused(kind, tmp_path, monkeypatch, picture):
    path = tmp_path / "x"
    if kind == "zip":
        write_zip(path, picture)
    else:
        write_tar(path, f"w:{kind}", picture)
    monkeypatch.setenv("KERAS_PNNH_MAX_UNPACKED_BYTES", "5000")
    with pytest.raises(ValueError, match="more than 5000 bytes.*higher"):
        load_images(path, "train")


@pytest.mark.parametrize("text", ["", "1GB", "-1", "1e9"])
def test_the_limit_is_a_number(text, tmp_path, monkeypatch, picture):
    write_zip(tmp_path / "x", picture)
    monkeypatch.setenv("KERAS_PNNH_MAX_UNPACKED_BYTES", text)
    with pytest.raises(ValueError, match="must be a number of bytes"):
        load_images(tmp_path / "x", "train")


def add_tar(path, name, content):
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


def add_zip(path, name, content):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize(
    "name", ["data/a/00.png", "./data/a/00.png", "data//a/00.png"]
)
@pytest.mark.parametrize(
    ("write", "add"), [(write_tar, add_tar), (write_zip, add_zip)]
)
def test_two_files_of_one_name_are_not_one(write, add, name, picture, tmp_path):
    path = tmp_path / "x"
    write(path, *(["w"] if write is write_tar else []), picture)
    assert len(load_images(path, "train").labels) == 4
    add(path, name, picture[:-1])
    with pytest.raises(ValueError, match="of 5 files in it 4 are left"):
        load_images(path, "train")


def test_an_address_is_no_picture():
    for address in ("https://hub/cat.png", "http://user:geheim@hub/cat.png"):
        with pytest.raises(ValueError, match="Download it") as error:
            read_image(address)
        assert "geheim" not in str(error.value)


def test_members_stay_inside(picture, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        member = tarfile.TarInfo("../outside.png")
        member.size = len(picture)
        archive.addfile(member, io.BytesIO(picture))
    with pytest.raises(ValueError, match="outside"):
        load_images(tmp_path / "x.tar", "train")
    assert not (tmp_path / "outside.png").exists()
