"""One picture, as a viewer shows it."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_pnnh.addresses import refuse_url

# The only ones that Pillow may take: among the others are some that start
# programs (PostScript).
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


def read_image(
    path: str | Path, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Decode one image file.

    Args:
        path: A BMP, GIF (its first frame), JPEG, PNG, PPM, TIFF or WebP file,
            whatever its name. It is turned as its EXIF data say; what is
            transparent becomes white; 16 bits are scaled to 8, and so are
            floats from 0 to 1.
        size: `(height, width)` to resize to (bicubic), or None.

    Returns:
        `(height, width, 3)` uint8 array, RGB.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no image of these formats, incomplete, of a range
            that cannot be told, or larger than
            `PIL.Image.MAX_IMAGE_PIXELS` allows; for an address; or if `size`
            is no height and width.
        ModuleNotFoundError: If Pillow is not installed.

    Example:

    >>> from keras_pnnh.data import read_image
    >>> from keras_pnnh.samples import sample_images
    >>> read_image(sample_images()[0].path, size=(16, 16)).shape
    (16, 16, 3)
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Reading image files needs Pillow, which is not installed. Run "
            "`pip install pillow`."
        ) from error
    refuse_url(path, "path")
    _check_size(size, Image.MAX_IMAGE_PIXELS)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"An image must be an existing file. Received: '{path}'."
        )
    try:
        image = _decode(path)
    except Image.DecompressionBombError as error:
        raise ValueError(
            "An image may have so many pixels only, since a small file can "
            f"unpack to any size. Received: '{path}': {error} If you trust "
            "it, set `PIL.Image.MAX_IMAGE_PIXELS` higher."
        ) from error
    # Decoders of damaged files raise whatever they run into.
    except Exception as error:
        raise ValueError(
            f"An image file must be complete and one of {', '.join(FORMATS)}. "
            f"Received: '{path}' ({path.stat().st_size} bytes): "
            f"{error or type(error).__name__}. Replace or remove the file."
        ) from error
    if size is not None and image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _check_size(size, most):
    if size is None:
        return
    sides = size if isinstance(size, (tuple, list)) else ()
    whole = all(
        isinstance(side, (int, np.integer))
        and not isinstance(side, bool)
        and side > 0
        for side in sides
    )
    if len(sides) != 2 or not whole:
        raise ValueError(
            "`size` must be a height and a width, whole numbers above 0. "
            f"Received: size={size!r}. Try (224, 224)."
        )
    if most is not None and sides[0] * sides[1] > most:
        raise ValueError(
            f"`size` may have {most:,} pixels. Received: size={size!r}. Take a "
            "smaller one, or set `PIL.Image.MAX_IMAGE_PIXELS` higher."
        )


def _decode(path: Path) -> Any:
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        # Up to twice the limit Pillow only warns; beyond it is an error.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I") or image.mode == "F":
                return Image.fromarray(_to_8_bits(np.asarray(image)))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image)
            return image.convert("RGB")


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 bits, or from 0 to 1, as RGB."""
    most = 1.0 if values.dtype.kind == "f" else 65_535
    low, high = values.min(), values.max()
    if not (0 <= low and high <= most):
        raise ValueError(
            f"its values go from {low} to {high}, and how bright they are "
            "cannot be told: floats from 0 to 1 and whole numbers from 0 to "
            "65535 can"
        )
    grey = np.round(values * (255 / most)).astype("uint8")
    return np.repeat(grey[..., None], 3, axis=-1)
