"""Files that are complete or absent."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".unfinished-"
# The files of a folder that was written as a whole, and their digests.
LIST = "keras_pnnh_files.json"


@contextlib.contextmanager
def replace_when_complete(
    path: str | os.PathLike[str], reserve: int = 0
) -> Iterator[Path]:
    """Write next to `path` and rename, so that no half-written file remains.

    Args:
        path: The final name. Its folder is made if it does not exist.
        reserve: Bytes that must be free before the writing starts. HDF5 takes
            the whole process down when the disk fills up while it writes
            (seen with h5py 3.14), so whoever writes HDF5 states an upper
            bound here.

    Yields:
        The path to write to: in the same folder, with the same suffixes.

    Raises:
        OSError: If writing failed, with what to do about it. What stood under
            `path` before is untouched.
    """
    path = Path(path)
    unfinished = path.with_name(f"{PREFIX}{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _reserve(unfinished, reserve)
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, path)
    # h5py reports some failures of the system as RuntimeError.
    except (OSError, RuntimeError) as error:
        raise _failure(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_folder_when_complete(
    path: str | os.PathLike[str],
) -> Iterator[Path]:
    """The same for a folder of files that belong together.

    The folder also gets a list of its files with their digests, by which the
    next call knows what it may replace: only a folder that holds exactly what
    was written here.

    Args:
        path: The final name.

    Yields:
        The path of a folder to make, next to the final one.

    Raises:
        ValueError: If anything else stands under `path`.
        OSError: If writing failed.
    """
    path = Path(path)
    foreign = _foreign(path)
    if foreign:
        raise ValueError(
            "A folder is replaced only if it holds nothing but what was "
            f"written here before. Received: '{path}' with {foreign}. Move it "
            "away or choose another name."
        )
    unfinished = path.with_name(f"{PREFIX}{os.getpid()}-{path.name}")
    former = path.with_name(f"{PREFIX}{os.getpid()}-former-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir()
        unfinished.rmdir()
        yield unfinished
        _list_files(unfinished)
        for part in unfinished.rglob("*"):
            if part.is_file():
                _sync(part)
        # No system replaces a folder that has files in one step.
        if path.exists():
            os.replace(path, former)
        os.replace(unfinished, path)
    except (OSError, RuntimeError) as error:
        if former.exists() and not path.exists():
            os.replace(former, path)
        raise _failure(path, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in one step, see `replace_when_complete`."""
    with replace_when_complete(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _failure(path, error):
    failure = OSError(
        f"A file must be written completely or not at all. Received: "
        f"'{path}', which could not be written "
        f"({_reason(error)}). Nothing under that name was changed. Free "
        "some space or choose another folder."
    )
    failure.errno = getattr(error, "errno", None)
    return failure


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(
        part.stat().st_size for part in path.rglob("*") if part.is_file()
    )


def _list_files(folder):
    listed = {name: _digest(file) for name, file in _files(folder).items()}
    text = json.dumps(listed, indent=1) + "\n"
    (folder / LIST).write_text(text, encoding="utf-8")


def _foreign(path):
    """What stands under `path` that `_list_files` has not listed, in words."""
    if not path.exists() and not path.is_symlink():
        return None
    if path.is_symlink() or not path.is_dir():
        return "no folder"
    if not any(path.iterdir()):
        return None
    try:
        listed = json.loads((path / LIST).read_text(encoding="utf-8"))
        listed = dict(listed)
    except (OSError, ValueError, TypeError):
        return f"no '{LIST}', the list of what was written"
    for name, file in _files(path).items():
        if name not in listed:
            return f"'{name}', which is not of it"
        if file.is_symlink() or _digest(file) != listed[name]:
            return f"'{name}', which was changed since"
    return None


def _files(folder):
    """All files of a folder but the list, by their names in it."""
    return {
        part.relative_to(folder).as_posix(): part
        for part in sorted(folder.rglob("*"))
        if (part.is_symlink() or not part.is_dir()) and part != folder / LIST
    }


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reserve(path, size):
    """See first whether the folder can be written to at all."""
    if not size:
        path.touch()
        path.unlink()
    else:
        with open(path, "wb") as file:
            block = bytes(1 << 20)
            for start in range(0, size, len(block)):
                file.write(block[: size - start])
        _sync(path)


def _sync(path):
    # Some file systems find out that they are full only now; and a rename
    # that overtakes the data would leave an empty file after a power cut.
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _reason(error):
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
