"""Nothing that a Hub answers is believed before it is looked at.

`HF_ENDPOINT` may name any server, and the client makes paths of what that
answers: the commit in a header becomes a folder, a digest a file. So the
headers of every answer are checked before the client reads them, what the
library reads itself is checked by the same rules, and an answer that
arrives a byte at a time ends.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from typing import Any

COMMIT = re.compile("[0-9a-f]{40}")
DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
# What the Hub and its storage write: digests, `"<digest>-<part>"`.
ETAG = re.compile(r'(W/)?"?[\w.-]+"?')
# What `hf://owner/name@...` can name.
REVISION = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)

SLOWEST_VARIABLE = "KERAS_PNNH_SLOWEST_DOWNLOAD"
SLOWEST = 1000.0  # bytes a second
PATIENCE = 30.0  # seconds before an answer can be too slow


class WrongAnswerError(ConnectionError):
    """A server answered what no Hugging Face Hub answers."""


class SlowAnswerError(ConnectionError):
    """A server sent next to nothing for a long time."""


def is_revision(text: str) -> bool:
    """Whether a branch, tag or commit can be named in `hf://...@`."""
    return bool(REVISION.fullmatch(text)) and ".." not in text


def check_filename(name: Any) -> str:
    """The name of a file in a repository.

    Raises:
        WrongAnswerError: If it leads out of the folder of the repository, or
            is none.
    """
    parts = name.split("/") if isinstance(name, str) else [""]
    for part in parts:
        if part in ("", ".", "..") or re.search(r'[\\:*?"<>|\x00-\x1f]', part):
            raise WrongAnswerError(
                f"lists a file {name!r}, which is no name of a file"
            )
    return name


def check_commit(commit: Any) -> str:
    """A commit, 40 hexadecimal digits.

    Raises:
        WrongAnswerError: If it is none.
    """
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise WrongAnswerError(f"names {commit!r} as a commit")
    return commit


def check_digest(digest: Any) -> str:
    """The name of a file's content, 40 or 64 hexadecimal digits."""
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise WrongAnswerError(f"names {digest!r} as the digest of a file")
    return digest


@contextlib.contextmanager
def checked() -> Iterator[None]:
    """Inside, every answer that the Hub's client gets is checked.

    Raises:
        WrongAnswerError: For headers that no Hub sends.
        SlowAnswerError: For an answer that comes too slowly; the limit in
            bytes a second is that of `KERAS_PNNH_SLOWEST_DOWNLOAD`.
        ValueError: If that variable holds no number.
    """
    from huggingface_hub import get_session

    slowest = _slowest()

    def check(response):
        _check_headers(response.headers)
        response.stream = _watched(response.stream, slowest)

    hooks = get_session().event_hooks["response"]
    hooks.append(check)
    try:
        yield
    finally:
        hooks.remove(check)


def _slowest():
    text = os.environ.get(SLOWEST_VARIABLE)
    try:
        slowest = SLOWEST if text is None else float(text)
    except ValueError:
        slowest = -1.0
    if not slowest >= 0:
        raise ValueError(
            f"{SLOWEST_VARIABLE} is the least number of bytes a second that a "
            f"download may have, 0 for no limit. Received: {text!r}."
        )
    return slowest


def _check_headers(headers):
    commit = headers.get("X-Repo-Commit")
    if commit is not None:
        check_commit(commit)
    for name in ("ETag", "X-Linked-ETag"):
        value = headers.get(name)
        if value is not None and (not ETAG.fullmatch(value) or ".." in value):
            raise WrongAnswerError(f"sends {value!r} as the header {name}")


def _watched(stream, slowest):
    """A stream of bytes that must not come too slowly."""

    # Of the same class: the client looks at it.
    class Watched(type(stream)):
        def __init__(self):
            pass  # it is the other one's

        def __iter__(self):
            started, received = time.monotonic(), 0
            for block in stream:
                received += len(block)
                seconds = time.monotonic() - started
                if seconds > PATIENCE and received < slowest * seconds:
                    raise SlowAnswerError(
                        f"sent {received} bytes in {seconds:.0f} seconds"
                    )
                yield block

        def __getattr__(self, name):
            return getattr(stream, name)

        def close(self):
            stream.close()

    return Watched()
