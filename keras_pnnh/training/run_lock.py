"""One run in one folder at a time."""

import contextlib
import errno
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

NAME = ".keras_pnnh.lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, so that no other process and no other thread can.

    The system lets go of it when the process ends, however it ends: what is
    left of a killed run is a file that hinders nobody.

    Args:
        folder: An existing folder.

    Raises:
        RuntimeError: If another run holds it.
        OSError: If nothing can be written into it.
    """
    file = _acquire(folder)
    try:
        yield
    finally:
        # Removed while it is held: see `_is_current`.
        with contextlib.suppress(OSError):
            (folder / NAME).unlink()
        os.close(file)


def _acquire(folder):
    while True:
        path = folder / NAME
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OSError(
                "A run needs a folder that can be written to. Received: "
                f"'{folder}': {error.strerror}. Choose another folder as "
                "`output`."
            ) from error
        try:
            _lock(file)
        except OSError as error:
            # Held: EAGAIN or EACCES, by POSIX and on Windows.
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                os.close(file)
                raise RuntimeError(
                    "Two runs cannot write to one folder. Received: "
                    f"'{folder}', in which a run is at work. Wait for its "
                    "end, or choose another folder as `output`."
                ) from error
            warnings.warn(
                f"The file system of '{folder}' has no locks "
                f"({error.strerror}): see to it yourself that no two runs "
                "write there.",
                stacklevel=4,
            )
            return file
        if _is_current(file, path):
            return file
        os.close(file)


def _is_current(file, path):
    """Whether nobody removed the file between opening and locking it."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(file):
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
