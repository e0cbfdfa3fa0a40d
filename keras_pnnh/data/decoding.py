"""Parts of image files, decoded to one size.

One decoder for every backend, chosen by the file: ordinary JPEG files by
libjpeg-turbo, with its fast transform, everything else as `read_image` does.
"""

import math
from pathlib import Path

import numpy as np

from keras_pnnh.data.picture import read_image

# Share of the shorter side that the centre crop keeps: 224 of 256 pixels.
CENTRE = 0.875
ORDINARY = ("Gray", "YCbCr")


def check_decoder() -> None:
    """Raise a ModuleNotFoundError unless the decoders are installed."""
    try:
        import cykooz_resizer  # noqa: F401
        import PIL  # noqa: F401
        import simplejpeg  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Streaming image files needs simplejpeg, cykooz-resizer and "
            "Pillow, so that every machine decodes alike. Received: "
            f"{error}. Run `pip install 'keras-pnnh[train]' cykooz-resizer`; "
            "on Linux on ARM the latter needs a Rust compiler."
        ) from error


def read_centre(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The centre of an image, for evaluation, decoded as a viewer does.

    An image that has the size is taken as it is. Of others, 7/8 of the
    largest centred rectangle of this aspect ratio are resized (bicubic).

    Args:
        path: The file.
        size: `(height, width)`.

    Returns:
        `(height, width, 3)` uint8 array.
    """
    from PIL import Image

    pixels = read_image(path)
    height, width = pixels.shape[:2]
    if (height, width) == tuple(size):
        return pixels
    scale = CENTRE * min(height / size[0], width / size[1])
    rows, columns = scale * size[0], scale * size[1]
    top, left = (height - rows) / 2, (width - columns) / 2
    resized = Image.fromarray(pixels).resize(
        (size[1], size[0]),
        Image.Resampling.BICUBIC,
        (left, top, left + columns, top + rows),
    )
    return np.asarray(resized)


def read_crop(
    path: Path,
    size: tuple[int, int],
    least_area: float,
    flip: bool,
    generator: np.random.Generator,
) -> np.ndarray:
    """A random part of an image, resized (bilinear), mirrored or not.

    Args:
        path: The file.
        size: `(height, width)`.
        least_area: Least share of the area, see `draw_box`.
        flip: Whether to mirror every second image.
        generator: Draws.

    Returns:
        `(height, width, 3)` uint8 array.
    """
    pixels = _decode(path)
    top, left, height, width = draw_box(pixels.shape[:2], least_area, generator)
    part = pixels[top : top + height, left : left + width]
    resized = _resize(part, size)
    if flip and generator.random() < 0.5:
        # In half the time that a copy of a mirrored view takes.
        return resized.take(range(size[1] - 1, -1, -1), axis=1)
    return resized


def draw_box(
    size: tuple[int, int], least_area: float, generator: np.random.Generator
) -> tuple[int, int, int, int]:
    """A random part of an image: top, left, height, width.

    Szegedy et al. 2014 (arXiv 1409.4842, section 6): a share of the area from
    `least_area` to 1 and an aspect ratio from 3/4 to 4/3.
    """
    height, width = size
    for _ in range(10):
        area = generator.uniform(least_area, 1) * height * width
        ratio = math.exp(generator.uniform(math.log(3 / 4), math.log(4 / 3)))
        rows = round(math.sqrt(area / ratio))
        columns = round(math.sqrt(area * ratio))
        if 0 < rows <= height and 0 < columns <= width:
            top = generator.integers(height - rows + 1)
            left = generator.integers(width - columns + 1)
            return int(top), int(left), rows, columns
    return 0, 0, height, width


def _decode(path: Path) -> np.ndarray:
    """The whole image, RGB."""
    import simplejpeg

    try:
        content = path.read_bytes()
        if _is_ordinary(content):
            return simplejpeg.decode_jpeg(
                content, "RGB", fastdct=True, fastupsample=True
            )
    except (OSError, ValueError):
        pass  # Pillow decides, and names what is wrong
    return read_image(path)


def _resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear, with Pillow's kernels, in a fifth of its time."""
    import cykooz_resizer as fast

    height, width = pixels.shape[:2]
    kind = fast.PixelType.U8x3
    source = fast.ImageData(width, height, kind, pixels.tobytes())
    target = fast.ImageData(size[1], size[0], kind)
    bilinear = fast.ResizeAlg.convolution(fast.FilterType.bilinear)
    fast.Resizer().resize(source, target, fast.ResizeOptions(bilinear))
    return np.frombuffer(target.get_buffer(), np.uint8).reshape(*size, 3)


def _is_ordinary(content):
    """A JPEG file of usual colours and size that need not be turned."""
    import simplejpeg
    from PIL import Image

    if content[:3] != b"\xff\xd8\xff" or b"Exif\0" in content[:4096]:
        return False
    height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    most = Image.MAX_IMAGE_PIXELS or math.inf
    return colours in ORDINARY and height * width <= most
