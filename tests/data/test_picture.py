"""Pictures are read as a viewer shows them."""

import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_pnnh.data import read_image

GREY = np.linspace(0, 255, 64).reshape(8, 8).astype("uint8")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA", "CMYK"])
def test_every_mode_becomes_rgb(mode, tmp_path):
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    Image.new("RGB", (8, 8), (100, 50, 200)).convert(mode).save(path)
    image = read_image(path)
    assert image.shape == (8, 8, 3) and image.dtype == np.uint8
    if mode in ("RGBA", "CMYK"):
        assert np.abs(image.astype(int) - (100, 50, 200)).max() <= 30


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (GREY.astype("uint16") * 257, "a.png"),
        (GREY.astype("uint16") * 257, "a.tif"),
        (GREY.astype("float32") / 255, "a.tif"),
        (GREY.astype("int32") * 257, "a.tiff"),
    ],
)
def test_more_than_8_bits_are_scaled(values, name, tmp_path):
    Image.fromarray(values).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert np.abs(image - GREY[..., None].astype(int)).max() <= 1


@pytest.mark.parametrize("value", [-1.0, 3.5, 200.0, np.nan])
def test_floats_of_another_range_are_refused(value, tmp_path):
    values = np.full((8, 8), value, "float32")
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="a.tif.*cannot be told"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_says_where_up_is(orientation, tmp_path):
    pixels = np.zeros((8, 4, 3), "uint8")
    pixels[:2] = 255  # the upper edge, as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    image = read_image(tmp_path / "a.png")
    turned = orientation >= 5
    assert image.shape[:2] == ((4, 8) if turned else (8, 4))
    bright = image[..., 0].mean(0 if turned else 1)
    # Where the standard (CIPA DC-008) shows the first row: above or left.
    first = orientation in (1, 2, 5, 8)
    assert (bright[0] > bright[-1]) == first


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode, tmp_path):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 4, 8))
    image = image.quantize() if mode == "P" else image.convert(mode)
    image.save(tmp_path / "a.png")
    got = read_image(tmp_path / "a.png")
    assert (got[:, 4:] == 255).all() and (got[:, :4, 0] < 100).all()


def test_the_first_picture_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for gs")
@pytest.mark.parametrize("name", ["a.jpg", "a.eps", "a.png"])
def test_no_picture_starts_a_program(name, tmp_path, monkeypatch):
    program, ran = tmp_path / "gs", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\necho 10.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / name).write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"
        b"%%EndComments\nshowpage\n"
    )
    with pytest.raises(ValueError, match=f"one of BMP.*{name}"):
        read_image(tmp_path / name)
    assert not ran.exists()


def png_of(width, height):
    def chunk(kind, data):
        body = kind + data
        crc = struct.pack(">I", zlib.crc32(body))
        return struct.pack(">I", len(data)) + body + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [14_000, 60_000, 2_000_000])
def test_a_bomb_is_one_sentence(side, tmp_path):
    (tmp_path / "b.png").write_bytes(png_of(side, side))
    with pytest.raises(ValueError, match="b.png.*MAX_IMAGE_PIXELS"):
        read_image(tmp_path / "b.png", (32, 32))


@pytest.mark.parametrize(
    "size",
    [
        *((0, 4), (-1, 4), (4.5, 4), (4,), (4, 4, 3), 4, "44", (True, 4)),
        (10**6, 10**6),
    ],
)
def test_sizes_that_are_none(size, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "x.png")
    with pytest.raises(ValueError, match="`size` .*Received: size="):
        read_image(tmp_path / "x.png", size)
