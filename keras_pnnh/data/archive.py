"""Archives of images: all of their files, or an error."""

import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

# More than an archive of images unpacks to: `RATIO` times its size, and this
# much in any case. The environment variable says otherwise.
RATIO, ALWAYS = 100, 2**30
VARIABLE = "KERAS_PNNH_MAX_UNPACKED_BYTES"
BLOCK = 512


def unpack(archive: Path, folder: str | Path) -> None:
    """Unpack a `.tar`, `.tar.gz`, `.tar.bz2`, `.tar.xz` or `.zip` file.

    Args:
        archive: The file.
        folder: Where to; nothing is written outside of it.

    Raises:
        ValueError: If it is no such archive, incomplete, damaged, or unpacks
            to more than it should.
    """
    most = _most_bytes(archive)
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, folder, most)
        else:
            _unpack_tar(archive, folder, most)
    # Each compression has errors of its own for what is damaged.
    except Exception as error:
        raise ValueError(
            "An archive of images must be complete and a .tar, .tar.gz, "
            f".tar.bz2, .tar.xz or .zip file. Received: '{archive}' "
            f"({archive.stat().st_size} bytes): "
            f"{error or type(error).__name__}. Copy it once more, or unpack "
            "it and name the folder."
        ) from error


def _most_bytes(archive):
    text = os.environ.get(VARIABLE)
    if text is None:
        return max(ALWAYS, RATIO * archive.stat().st_size)
    if not text.isdecimal():
        raise ValueError(
            f"{VARIABLE} must be a number of bytes. Received: '{text}'. Try "
            f"'{10 * ALWAYS}', or leave it unset."
        )
    return int(text)


def _unpack_zip(archive: Path, folder: str | Path, most: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        _check_total(most, (item.file_size for item in opened.infolist()))
        opened.extractall(folder)
        files = sum(not item.is_dir() for item in opened.infolist())
        _check_number(folder, files)


def _unpack_tar(archive: Path, folder: str | Path, most: int) -> None:
    with tarfile.open(archive) as opened:
        _check_total(most, (member.size for member in opened))
        opened.extractall(folder, filter="data")
        _check_end(opened)
        _check_number(
            folder, sum(not member.isdir() for member in opened.getmembers())
        )


def _check_end(opened: tarfile.TarFile) -> None:
    """What was cut off between two files, only the missing end tells."""
    members, file = opened.getmembers(), opened.fileobj
    assert file is not None  # noqa: S101 - for the type checker
    last = members[-1] if members else None
    end = 0
    if last is not None:
        held = last.size if last.isreg() else 0
        end = last.offset_data + -(-held // BLOCK) * BLOCK
    file.seek(end)
    if file.read(BLOCK) != bytes(BLOCK):
        raise ValueError("its end is missing, or something in it is damaged")
    # To the end of the stream, where its checksum stands. A header that was
    # overwritten by zeros looks like the end, with files after it.
    while block := file.read(2**20):
        if block.count(0) != len(block):
            raise ValueError("something follows its end, or in it is damaged")


def _check_number(folder: str | Path, files: int) -> None:
    """Of two files of one name, the second replaces the first."""
    found = sum(path.is_file() for path in Path(folder).rglob("*"))
    if found < files:
        raise ValueError(
            f"of {files} files in it {found} are left, because some of them "
            "have the same name"
        )


def _check_total(most: int, sizes: Iterable[int]) -> None:
    total = 0
    for size in sizes:
        total += size
        if total > most:
            raise ValueError(
                f"it unpacks to more than {most} bytes. If you trust it, set "
                f"{VARIABLE} higher"
            )
