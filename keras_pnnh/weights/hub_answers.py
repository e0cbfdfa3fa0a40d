"""Nothing that a Hub answers is believed before it is looked at.

`HF_ENDPOINT` may name any server, and the client makes paths of what that
answers: the commit in a header becomes a folder, a digest a file. So the
headers of every answer are checked before the client reads them, what the
library reads itself is checked by the same rules, and an answer that
arrives a byte at a time, or never ends, is given up.
"""

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

COMMIT = re.compile("[0-9a-f]{40}")
DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
# What the Hub and its storage write: digests, `"<digest>-<part>"`.
ETAG = re.compile(r'(W/)?"?[\w.-]+"?')
# What `hf://owner/name@...` can name.
REVISION = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)

SLOWEST_VARIABLE = "KERAS_PNNH_SLOWEST_DOWNLOAD"
SLOWEST = 1000.0  # bytes a second
PATIENCE = 30.0  # seconds before an answer can be too slow
LARGEST_ANSWER = 1 << 26  # bytes, unpacked, of what is no larger file


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


class _Limits(NamedTuple):
    slowest: float
    most: int


# The blocks `checked` that a thread is in; requests of others, and those that
# the user makes with the same client, are left alone.
_THREAD = threading.local()


@contextlib.contextmanager
def checked(most: int = 0) -> Iterator[None]:
    """Inside, every answer that the Hub's client gets is checked.

    Args:
        most: Bytes of the file that is fetched, if it may be larger than
            `LARGEST_ANSWER`.

    Raises:
        WrongAnswerError: For headers that no Hub sends, or too many bytes.
        SlowAnswerError: For an answer that comes too slowly; the limit in
            bytes a second is that of `KERAS_PNNH_SLOWEST_DOWNLOAD`.
        ValueError: If that variable holds no number.
    """
    limits = _Limits(_slowest(), max(most, LARGEST_ANSWER))
    before = getattr(_THREAD, "limits", None)
    _THREAD.limits = limits
    try:
        _watch_session()
        yield
    finally:
        _THREAD.limits = before


def _watch_session():
    """Look at the answers of the client's session, and of the next one.

    The client makes a new one when a connection fails.
    """
    from huggingface_hub import get_session

    session = get_session()
    hooks, close = session.event_hooks["response"], session.close
    if _check in hooks:
        return
    hooks.append(_check)

    def close_and_watch():
        close()
        if getattr(_THREAD, "limits", None) is not None:
            _watch_session()

    session.close = close_and_watch


def _check(response):
    limits = getattr(_THREAD, "limits", None)
    if limits is None:
        return
    _check_headers(response)
    # Without it the client downloads by HTTP, where the limits hold.
    response.headers.pop("X-Xet-Hash", None)
    response.stream = _watched(response.stream, limits)
    response.iter_bytes = _bounded(response.iter_bytes, limits)


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


def _check_headers(response):
    headers = response.headers
    commit = headers.get("X-Repo-Commit")
    if commit is None:
        return  # the client refuses it as well
    check_commit(commit)
    # Other answers have one, too, of any characters, that nobody reads.
    followed = headers.get("Location", "").startswith("/")
    if response.request.method != "HEAD" or response.is_error or followed:
        return
    name = "X-Linked-ETag" if headers.get("X-Linked-ETag") else "ETag"
    value = headers.get(name)
    if value is not None and (not ETAG.fullmatch(value) or ".." in value):
        raise WrongAnswerError(f"sends {value!r} as the header {name}")


def _watched(stream, limits):
    """A stream of bytes that come neither too slowly nor without an end."""

    # The same class, since the client looks at it.
    class Watched(type(stream)):
        def __init__(self):
            pass  # it is the other one's

        def __iter__(self):
            started, received = time.monotonic(), 0
            for block in stream:
                received += len(block)
                _check_size(received, limits)
                seconds = time.monotonic() - started
                if seconds > PATIENCE and received < limits.slowest * seconds:
                    raise SlowAnswerError(
                        f"sent {received} bytes in {seconds:.0f} seconds"
                    )
                yield block

        def __getattr__(self, name):
            return getattr(stream, name)

        def close(self):
            stream.close()

    return Watched()


def _bounded(iter_bytes, limits):
    """The same of what the bytes unpack to."""

    def bounded(*args, **kwargs):
        received = 0
        for block in iter_bytes(*args, **kwargs):
            received += len(block)
            _check_size(received, limits)
            yield block

    return bounded


def _check_size(received, limits):
    if received > limits.most:
        raise WrongAnswerError(
            f"sends more than {limits.most:,} bytes where no more can come"
        )
