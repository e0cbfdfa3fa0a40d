"""What a weight file says of itself: JSON in its attributes, or no sense."""

import json
from typing import Any

import h5py


def read(file: h5py.File, attribute: str, keys: tuple[str, ...]) -> Any:
    """A noted dictionary, or None if there is no such note.

    Args:
        file: An open weight file.
        attribute: Name of the note.
        keys: What the dictionary must hold.

    Raises:
        ValueError: If the note is damaged.
    """
    text = file.attrs.get(attribute)
    if text is None:
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
    return noted


def damaged(file: h5py.File, attribute: str, reason: object) -> ValueError:
    """The error for a note that makes no sense."""
    return ValueError(
        "What a weight file says of itself must be as the library wrote it. "
        f"Received: '{file.filename}', whose note '{attribute}' is damaged: "
        f"{reason}. Fetch or write the file again."
    )
