"""Files that are complete or absent."""

import contextlib
import os
from pathlib import Path


@contextlib.contextmanager
def replace_when_complete(path):
    """Write beside `path` and rename, so that no half-written file remains.

    Args:
        path: The final name. Its folder is made if it does not exist.

    Yields:
        The path to write to: in the same folder, with the same suffixes.

    Raises:
        OSError: If writing failed, with what to do about it. What stood under
            `path` before is untouched.
    """
    path = Path(path)
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        raise OSError(
            error.errno,
            f"A file could not be written completely: '{path}' ({error}). "
            "Nothing under that name was changed. Free some space or choose "
            "another folder",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path, text):
    """Write a text file in one step, see `replace_when_complete`."""
    with replace_when_complete(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
