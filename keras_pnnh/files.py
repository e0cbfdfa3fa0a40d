"""Files that are complete or absent."""

import contextlib
import os
import shutil
from pathlib import Path

PREFIX = ".unfinished-"


@contextlib.contextmanager
def replace_when_complete(path, reserve=0):
    """Write beside `path` and rename, so that no half-written file remains.

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
def replace_folder_when_complete(path, mark):
    """The same for a folder of files that belong together.

    Args:
        path: The final name.
        mark: Name of a file that only such folders hold. A folder that has
            other content than one of these is not replaced.

    Yields:
        The path of a folder to make, beside the final one.

    Raises:
        ValueError: If something else stands under `path`.
        OSError: If writing failed.
    """
    path = Path(path)
    if path.is_file() or (_entries(path) and not (path / mark).is_file()):
        raise ValueError(
            f"A folder is replaced by another of its kind only (with a "
            f"'{mark}'). Received: '{path}', which holds something else. "
            "Choose another name."
        )
    unfinished = path.with_name(f"{PREFIX}{os.getpid()}-{path.name}")
    former = path.with_name(f"{PREFIX}{os.getpid()}-former-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
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


def write_text(path, text):
    """Write a text file in one step, see `replace_when_complete`."""
    with replace_when_complete(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def remove_unfinished(folder):
    """Remove what a killed process was writing into `folder`."""
    for path in Path(folder).glob(f"{PREFIX}*"):
        path.unlink(missing_ok=True)


def _failure(path, error):
    failure = OSError(
        f"A file must be written completely or not at all. Received: "
        f"'{path}', which could not be written "
        f"({_reason(error)}). Nothing under that name was changed. Free "
        "some space or choose another folder."
    )
    failure.errno = getattr(error, "errno", None)
    return failure


def _entries(folder):
    return folder.is_dir() and any(folder.iterdir())


def _reserve(path, size):
    if size:
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
