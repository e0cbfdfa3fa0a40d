"""Files from the Hugging Face Hub: pinned, verified, or not at all.

The client checks the size of what it downloads, not the content, and a cache
may be damaged by others. Everything here is compared with a digest before it
is used, whenever it is used; what differs is fetched once more and then
refused and removed.
"""

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from keras_pnnh.addresses import without_secrets
from keras_pnnh.weights import digest as digests
from keras_pnnh.weights import hub_answers, hub_errors

# Seconds before the second and the third attempt.
WAITS = (0.5, 2.0)
LARGEST_FILE = 1 << 33  # bytes; the largest published one has 346 million
TRUE = ("1", "ON", "YES", "TRUE")


class HubFile(NamedTuple):
    """A file at a commit."""

    repo_id: str
    revision: str
    filename: str

    @property
    def url(self) -> str:
        return (
            f"{endpoint()}/{self.repo_id}/resolve/{self.revision}/"
            f"{self.filename}"
        )

    @property
    def in_directory(self) -> str:
        return f"{self.repo_id}/{self.filename}"


def fetch(
    repo_id: str,
    revision: str,
    filename: str,
    digest: str | None,
    size: Any = None,
    *,
    cache_dir: Any = None,
    token: Any = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Any:
    """The path of a file of the Hub that has the digest it should have.

    Looked for in the folder of the environment variable
    `KERAS_PNNH_WEIGHTS_DIR` (as `owner/name/file`), then in the cache of the
    Hub's client, then on the Hub. A file in the cache costs no request; its
    content is compared with the digest every time.

    The client's variables `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`,
    `HF_HUB_OFFLINE` and `HF_TOKEN` are read at the time of the call.

    Args:
        repo_id: `"owner/name"`.
        revision: Commit, 40 hexadecimal digits.
        filename: Path in the repository.
        digest: SHA-256 of the content, or its git name (40 digits) for the
            small files that the Hub keeps in git.
        size: Bytes, or None if unknown.
        cache_dir: Where downloads are kept.
        token: Token of the user, or False for none.
        local_files_only: Never ask the Hub.
        force_download: Download again, whatever the cache holds.

    Returns:
        A `Path`.

    Raises:
        FileNotFoundError: If it does not exist, or the Hub is out of reach
            and the file not in the cache.
        PermissionError: If access is denied.
        ConnectionError: If the Hub fails.
        ValueError: If what it sends is not what was published, or the token
            cannot be sent.
    """
    hub_answers.check_filename(filename)
    hub_errors.check_token(token)
    file = HubFile(repo_id, revision, filename)
    path = _in_directory(file, digest, size)
    if path is not None:
        return path
    cache = _Cache(file, digest, size, cache_dir)
    try:
        return _fetch(file, cache, token, local_files_only, force_download)
    except OSError as error:
        # An error of the system, in its own words.
        if error.errno is None or hub_errors.is_network_error(error):
            raise
        raise cache.unusable(error) from error


def _fetch(file, cache, token, local_files_only, force_download):
    offline = local_files_only or is_offline()
    if force_download and offline:
        raise ValueError(
            "Without the Hub nothing can be downloaded again. Received: "
            "force_download=True with local_files_only=True or "
            "HF_HUB_OFFLINE=1. Leave one of them out."
        )
    if not force_download and cache.find():
        return cache.path
    if offline:
        reason = "HF_HUB_OFFLINE is set"
        if local_files_only:
            reason = "local_files_only=True"
        raise hub_errors.unreachable(file, reason)
    with cache.locked():
        # Somebody else may have downloaded it while we waited.
        if not force_download and cache.find():
            return cache.path
        return _download(file, cache, token, force_download)


def _download(file, cache, token, force_download):
    """Two attempts; nothing is kept of what does not match."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download

    with_token = {"token": token, "endpoint": endpoint()}
    metadata = attempt(
        lambda: get_hf_file_metadata(file.url, **with_token), file
    )
    _check_offer(file, metadata, cache)
    found = "nothing"
    for force in (force_download, True):
        try:
            with hub_answers.checked(metadata.size or 0):
                path = hf_hub_download(
                    **file._asdict(),
                    cache_dir=cache.folder,
                    force_download=force,
                    **with_token,
                )
        except Exception as error:
            if not _is_incomplete(error):
                hub_errors.raise_explained(error, file)
            found = " ".join(str(error).split())
            continue
        cache.path = Path(path)
        found = cache.difference()
        if found is None:
            _count_download(file, cache, with_token)
            return cache.path
        cache.remove()
    raise ValueError(
        "A published file must arrive as it was published. Received: "
        f"{without_secrets(file.url)}, twice, with {found}. "
        "Nothing was kept. Try another "
        "network, or report it if it goes on."
    )


def _check_offer(file, metadata, cache):
    """Refuse other content before it is downloaded."""
    if metadata.commit_hash is None or not metadata.etag:
        raise hub_errors.no_hub(file, "sends no commit or no digest")
    etag, size = metadata.etag, metadata.size
    if size is None or size > LARGEST_FILE:
        raise hub_errors.no_hub(file, f"offers a file of {size} bytes")
    other = len(etag) == len(cache.digest) and etag != cache.digest
    if other or cache.size not in (None, size):
        raise ValueError(
            "A published file must be the one that was published. Received: "
            f"{without_secrets(file.url)}, which has digest {etag} "
            f"and {size} bytes, expected "
            f"{cache.digest} and {cache.size or 'any number of'} bytes. "
            "Nothing was downloaded. Update keras_pnnh, or correct "
            "HF_ENDPOINT if it names a mirror."
        )


def attempt(request: Any, subject: Any) -> Any:
    """The result of a request; transient errors are retried."""
    waits = list(WAITS)
    while True:
        try:
            with hub_answers.checked():
                return request()
        except Exception as error:
            if not waits or not hub_errors.is_transient(error):
                hub_errors.raise_explained(error, subject)
            time.sleep(waits.pop(0))


def _count_download(file, cache, with_token):
    """Fetch `config.json`, too: the Hub counts downloads by it."""
    if file.filename == "config.json":
        return
    from huggingface_hub import get_hf_file_metadata, hf_hub_download

    config = file._replace(filename="config.json")
    try:
        with hub_answers.checked():
            get_hf_file_metadata(config.url, **with_token)
            hf_hub_download(
                **config._asdict(), cache_dir=cache.folder, **with_token
            )
    except Exception as error:
        # Nobody needs the file: no fault of it may cost the weights.
        if hub_errors.explain(error, config) is error and not isinstance(
            error, OSError
        ):
            raise


def _is_incomplete(error):
    """Whether the client gave up a file that came too short."""
    return type(error) is OSError and "Consistency check" in str(error)


class _Cache:
    """A file in the cache of the client.

    Attributes:
        path: Where it lies, or None.
    """

    def __init__(self, file, digest, size, cache_dir):
        self.file, self.digest, self.size = file, digest, size
        self.folder = cache_folder(cache_dir)
        self.repository = repository_folder(file.repo_id, cache_dir)
        self.locks = self.folder / ".locks" / self.repository.name
        self.path = None

    def find(self):
        """Whether the cache has the right file; a wrong one is removed."""
        path = find_cached(self.file, self.folder)
        if path is None:
            return False
        self.path = path
        if self.difference() is None:
            return True
        self.remove()
        return False

    def difference(self):
        return digests.difference(self.path, self.digest, self.size)

    def remove(self):
        """So that no later call, of any library, takes it for the real one."""
        for path in (self.path.resolve(), self.path):
            path.unlink(missing_ok=True)
        self.path = None

    def unusable(self, error):
        """The error of a disk that is full, read-only, or else in the way."""
        return type(error)(
            "Downloads need a cache that can be written to. Received: "
            f"'{self.folder}' ({error.strerror}"
            + (f": '{error.filename}'" if error.filename else "")
            + "). Make room there, give `cache_dir=`, or set HF_HOME."
        )

    def locked(self):
        from huggingface_hub.utils import WeakFileLock

        self.locks.mkdir(parents=True, exist_ok=True)
        return WeakFileLock(self.locks / f"keras_pnnh-{self.digest}.lock")


def find_cached(file: Any, cache_dir: Any = None) -> Any:
    """Path of a file in the cache, at a commit, branch or tag, or None."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(
        file.repo_id, file.filename, cache_folder(cache_dir), file.revision
    )
    return Path(path) if isinstance(path, str) else None


def _in_directory(file, digest, size):
    """The file in the user's own folder, checked; None if it has none."""
    path = directory_path(file)
    if path is None:
        return None
    found = digest and digests.difference(path, digest, size)
    if found:
        raise ValueError(
            "A published file must be the one that was published. Received: "
            f"'{path}' with {found}. Copy it again from "
            f"{without_secrets(file.url)}."
        )
    return path


def directory_path(file: Any) -> Any:
    """Where `KERAS_PNNH_WEIGHTS_DIR` has the file, or None."""
    folder = os.environ.get(hub_errors.DIRECTORY_VARIABLE)
    if not folder:
        return None
    path = Path(folder).expanduser() / file.in_directory
    return path if path.is_file() else None


def endpoint() -> Any:
    """Address of the Hub, or of the mirror that the user has named."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def cache_folder(cache_dir: Any = None) -> Path:
    """Where the client keeps downloads."""
    from huggingface_hub import constants

    home = os.environ.get("HF_HOME")
    folder = (
        cache_dir
        or os.environ.get("HF_HUB_CACHE")
        or (home and Path(home) / "hub")
        or constants.HF_HUB_CACHE
    )
    return Path(folder).expanduser()


def repository_folder(repo_id: str, cache_dir: Any = None) -> Path:
    """Where the client keeps the files of one repository."""
    owner, name = repo_id.split("/")
    return cache_folder(cache_dir) / f"models--{owner}--{name}"


def is_offline() -> Any:
    """Whether the user has forbidden requests."""
    from huggingface_hub import constants

    wanted = os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE
    return wanted or constants.is_offline_mode()
