"""What went wrong at the Hugging Face Hub, in one sentence each.

The errors of the client are mapped to Python's own: `FileNotFoundError` (no
such repository, revision or file; no network and nothing in the cache),
`PermissionError` (no access) and `ConnectionError` (network, server, limit).
"""

import json
import os
import re
from typing import Any

from keras_pnnh.addresses import without_secrets
from keras_pnnh.weights import hub_answers

DIRECTORY_VARIABLE = "KERAS_PNNH_WEIGHTS_DIR"


def explain(error: Any, subject: Any) -> Any:
    """The error to raise in place of one of the client's.

    Args:
        error: Any exception.
        subject: A `HubFile` or `HubRepository`: it has `repo_id`, `revision`,
            `url` and `in_directory`.

    Returns:
        An exception; `error` itself if it is none of the client's.
    """
    from huggingface_hub import errors

    received = f"Received: {without_secrets(subject.url)}"
    if isinstance(error, hub_answers.SlowAnswerError):
        return ConnectionError(
            f"A download must come on. {received}, which {error}. Try another "
            f"network, or set {hub_answers.SLOWEST_VARIABLE} to the bytes a "
            "second that are enough (0: no limit)."
        )
    if isinstance(error, hub_answers.WrongAnswerError):
        return no_hub(subject, str(error))
    # From the special to the general: they are subclasses of each other.
    if isinstance(error, errors.GatedRepoError):
        return PermissionError(
            f"'{subject.repo_id}' is given out on request only. {received}. "
            "Ask for access on its page, then give `token=` or set HF_TOKEN."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return FileNotFoundError(
            f"There is no repository '{subject.repo_id}' that you may read. "
            f"{received}. Correct the name, or, if it is private, give "
            "`token=` or set HF_TOKEN."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return FileNotFoundError(
            f"'{subject.repo_id}' has no revision '{subject.revision}'. "
            f"{received}. Name a branch, a tag or a commit that it has."
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return FileNotFoundError(
            f"'{subject.repo_id}' has no such file at revision "
            f"'{subject.revision}'. {received}. Take a revision that has it."
        )
    if isinstance(error, errors.HFValidationError):
        return ValueError(
            "A repository on the Hub is named 'owner/name'. Received: "
            f"'{subject.repo_id}'. Write 'hf://owner/name@revision'."
        )
    if isinstance(error, errors.LocalEntryNotFoundError):
        # The client gives its last attempt's error as the cause.
        cause = error.__cause__
        if isinstance(cause, Exception):
            return explain(cause, subject)
        return unreachable(subject, "no connection")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return unreachable(subject, "HF_HUB_OFFLINE is set")
    if isinstance(error, errors.LocalTokenNotFoundError):
        return PermissionError(
            f"`token=True` means the token of this machine's user. {received}, "
            "and there is none. Set HF_TOKEN, or give the token itself."
        )
    status = _status(error)
    if status == 401:
        return PermissionError(
            f"The Hub does not accept the token. {received}. Give a valid "
            "`token=` or HF_TOKEN, or `token=False` for public repositories."
        )
    if status == 403:
        return PermissionError(
            f"The Hub denies access to '{subject.repo_id}'. {received}. Give "
            "a `token=` that has the right."
        )
    if status == 429:
        return ConnectionError(
            "The Hub limits how often one may ask (status 429). "
            f"{received}. Wait some minutes; with `token=` or HF_TOKEN the "
            "limit is higher."
        )
    if status is not None:
        return ConnectionError(
            f"The Hub has a fault of its own (status {status}). {received}. "
            f"Try again later, or {_by_hand(subject)}."
        )
    if is_network_error(error):
        reason = " ".join(str(error).split()) or type(error).__name__
        return unreachable(subject, without_secrets(reason))
    if isinstance(error, errors.FileMetadataError):
        return no_hub(subject, "sends no commit or no digest")
    if isinstance(error, json.JSONDecodeError):
        # A page to sign in at, in place of the answer.
        return no_hub(subject, "sends something else than JSON")
    return error


def no_hub(subject: Any, what: str) -> Any:
    """The error of an answer that no Hugging Face Hub gives."""
    return ConnectionError(
        "What answers is no Hugging Face Hub. Received: "
        f"{without_secrets(subject.url)}, where the server {what}. Nothing of "
        "it was used. Sign in to your network if it wants that, correct "
        "HF_ENDPOINT, or remove the proxy in between."
    )


def check_token(token: Any) -> None:
    """Raise unless a token can be sent, without showing it.

    Raises:
        ValueError: If it is no word of printable characters.
    """
    if not isinstance(token, str | bool | None):
        raise ValueError(
            "A token is a string, True for the user's own, False for none, or "
            f"None. Received: `token` of type {type(token).__name__}. Give its "
            "text."
        )
    for where, value in (("`token`", token), ("HF_TOKEN", _token_variable())):
        if isinstance(value, str) and not re.fullmatch(r"[!-~]+", value):
            raise ValueError(
                "A token is one word of printable characters. Received: "
                f"{where} with {len(value)} characters, among them a space, a "
                "line break or another that cannot be sent. Copy it again."
            )


def _token_variable():
    # The client takes line breaks off the ends, and an empty one for none.
    text = os.environ.get("HF_TOKEN", "").replace("\r", "").replace("\n", "")
    return text.strip() or None


def raise_explained(error: Any, subject: Any) -> Any:
    """Raise what `explain` says of an error."""
    explained = explain(error, subject)
    if explained is error:
        raise error
    raise explained from error


def unreachable(subject: Any, reason: Any) -> Any:
    """The error of whoever has no network and no copy."""
    return FileNotFoundError(
        "What is not in the cache must be downloaded, and the Hub cannot be "
        f"reached ({reason}). Received: {without_secrets(subject.url)}. Call "
        f"once with a connection, or {_by_hand(subject)}."
    )


def is_transient(error: Any) -> Any:
    """Whether the same request may succeed a moment later."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    status = _status(error)
    if status is not None:
        return status >= 500 or status == 429
    offline = isinstance(error, OfflineModeIsEnabled)
    own = isinstance(
        error, (hub_answers.WrongAnswerError, hub_answers.SlowAnswerError)
    )
    return is_network_error(error) and not offline and not own


def is_network_error(error: Any) -> bool:
    """Whether no complete answer came."""
    # By the name of the client's HTTP library, which differs with its version.
    library = type(error).__module__.split(".")[0]
    return library.startswith(("httpx", "httpcore", "requests")) or isinstance(
        error, (ConnectionError, TimeoutError)
    )


def _status(error):
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def _by_hand(subject):
    folder = os.environ.get(DIRECTORY_VARIABLE) or f"${DIRECTORY_VARIABLE}"
    return f"put the file at {folder}/{subject.in_directory}"
