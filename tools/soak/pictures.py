"""Damaged pictures and archives: refused, or equal to the original."""

import io
import tarfile
import zipfile

import numpy as np
from mutations import mutate
from outcomes import RIGHT, UNSEEN, WRONG
from PIL import Image

from keras_pnnh.data import load_images, read_image

# Of these every damage can be seen; the others hold no checksum.
CHECKED = {"png"}
FORMATS = ("png", "jpg", "gif", "bmp", "tiff", "webp", "ppm")
ARCHIVES = ("tar", "tar.gz", "tar.bz2", "tar.xz", "zip")


def prepare(folder):
    """Pictures and archives by their suffix, and what is read from them."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    files = {}
    for suffix in FORMATS:
        path = folder / f"good.{suffix}"
        Image.fromarray(images[0]).save(path)
        files[suffix] = path.read_bytes(), read_image(path)
    for suffix in ARCHIVES:
        path = folder / f"good.{suffix}"
        write_archive(path, suffix, images)
        files[suffix] = path.read_bytes(), load_images(path, "train")
    return folder, files


def write_archive(path, suffix, images):
    """Two classes of three PNG files each."""
    contents = {}
    for number, image in enumerate(images):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "png")
        name = f"set/{('cat', 'dog')[number % 2]}/{number}.png"
        contents[name] = buffer.getvalue()
    if suffix == "zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, content in contents.items():
                file.writestr(name, content)
        return
    mode = f"w:{suffix.removeprefix('tar').removeprefix('.')}"
    with tarfile.open(path, mode) as file:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))


def trial(seed, shared):
    """One damaged file."""
    folder, files = shared
    generator = np.random.default_rng(seed)
    suffix = str(generator.choice((*FORMATS, *ARCHIVES)))
    content, wanted = files[suffix]
    damaged, kind = mutate(content, generator)
    path = folder / f"damaged.{suffix}"
    path.write_bytes(damaged)
    what = f"{suffix}, {kind}"
    if suffix in ARCHIVES:
        found = load_images(path, "train")
        if found.class_names != wanted.class_names:
            return WRONG, f"{what}: classes {found.class_names}"
        if len(found.labels) != len(wanted.labels):
            return WRONG, f"{what}: {len(found.labels)} images"
        same = np.array_equal(found.images, wanted.images)
        same = same and np.array_equal(found.labels, wanted.labels)
        return (RIGHT if same else WRONG), what
    found = read_image(path)
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] != 3:
        return WRONG, f"{what}: {found.dtype} of shape {found.shape}"
    if np.array_equal(found, wanted):
        return RIGHT, what
    return (WRONG if suffix in CHECKED else UNSEEN), what
