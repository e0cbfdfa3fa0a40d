"""What a weight file says of itself: JSON in its attributes, or no sense."""

import hashlib
import json
from typing import Any

import h5py

PREFIX = "keras_pnnh_"
DIGEST = "keras_pnnh_notes_sha256"


def seal(file: h5py.File) -> None:
    """Note the digest of all notes in an open file, after the last of them."""
    file.attrs[DIGEST] = _digest(file)


def text_of(file: h5py.File, attribute: str) -> Any:
    """What a note holds, or None if there is no such note.

    Raises:
        ValueError: If it is of a type that NumPy does not know.
    """
    try:
        return file.attrs.get(attribute)
    except (TypeError, ValueError) as error:
        raise damaged(file, attribute, error) from error


def read(file: h5py.File, attribute: str, keys: tuple[str, ...]) -> Any:
    """A noted dictionary, or None if there is no such note.

    Args:
        file: An open weight file.
        attribute: Name of the note.
        keys: What the dictionary must hold.

    Raises:
        ValueError: If the note is damaged, or another one than was written.
    """
    text = text_of(file, attribute)
    if text is None:
        _check_seal(file, attribute)
        return None
    try:
        noted = json.loads(text)
        if not isinstance(noted, dict):
            raise ValueError(f"a {type(noted).__name__} in place of a dict")
        lacking = [key for key in keys if key not in noted]
        if lacking:
            raise ValueError(f"no {' and no '.join(lacking)}")
    # Arrays are no text, and what is nested too deeply is a RecursionError.
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(file, attribute, error) from error
    _check_seal(file, attribute)
    return noted


def _check_seal(file, attribute):
    noted = text_of(file, DIGEST)  # None: of an earlier version
    if noted is not None and str(noted) != _digest(file):
        raise damaged(
            file, attribute, "it is not the one that the digest is of"
        )


def _digest(file):
    result = hashlib.sha256()
    for name in sorted(file.attrs):
        if name.startswith(PREFIX) and name != DIGEST:
            result.update(f"{name}\0{text_of(file, name)}\0".encode())
    return result.hexdigest()


def damaged(file: h5py.File, attribute: str, reason: object) -> ValueError:
    """The error for a note that makes no sense."""
    return ValueError(
        "What a weight file says of itself must be as the library wrote it. "
        f"Received: '{file.filename}', whose note '{attribute}' is damaged: "
        f"{reason}. Fetch or write the file again."
    )
