"""Whether a file is the one that was published, checked once and remembered."""

import hashlib
import json
from pathlib import Path

from keras_pnnh.files import write_text

FOLDER = "keras_pnnh"


def of_file(path, git=False):
    """The digest of a file, in hexadecimal digits.

    Args:
        path: The file.
        git: Whether to compute, in place of the SHA-256 (64 digits), the name
            that git gives to a file's content (40), which is all that the Hub
            has for small files.
    """
    path = Path(path)
    digest = hashlib.sha256()
    if git:
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def difference(path, digest, size=None):
    """What tells a file from the published one, in words; None if nothing."""
    found = Path(path).stat().st_size
    if size is not None and found != size:
        return f"{found} bytes, expected {size}"
    computed = of_file(path, git=len(digest) == 40)
    if computed != digest:
        return f"digest {computed}, expected {digest}"
    return None


def difference_once(path, digest, size, repository):
    """As `difference`, but remembers a file that was found to be right.

    Args:
        path: A file in the cache.
        digest: Its digest.
        size: Its size or None.
        repository: Folder of the repository in the cache; the note lies in
            its folder `keras_pnnh`.
    """
    note = Path(repository) / FOLDER / f"{digest}.json"
    state = _state(path)
    try:
        if json.loads(note.read_text(encoding="utf-8")) == state:
            return None
    except (OSError, ValueError):
        pass  # never checked, or a note that cannot be read
    found = difference(path, digest, size)
    if found is None:
        try:
            write_text(note, json.dumps(state) + "\n")
        except OSError:
            pass  # a cache to read only: check again next time
    return found


def _state(path):
    """What changes when the content of a file does."""
    status = Path(path).resolve().stat()
    return {
        "file": Path(path).resolve().name,  # the etag, in the Hub's cache
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
    }
