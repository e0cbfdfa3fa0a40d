"""Whether a file is the one that was published."""

import hashlib
from pathlib import Path
from typing import Any


def of_file(path: str | Path, git: bool = False) -> str:
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


def difference(path: Any, digest: str, size: Any = None) -> Any:
    """What tells a file from the published one, in words; None if nothing."""
    found = Path(path).stat().st_size
    if size is not None and found != size:
        return f"{found} bytes, expected {size}"
    computed = of_file(path, git=len(digest) == 40)
    if computed != digest:
        return f"digest {computed}, expected {digest}"
    return None
