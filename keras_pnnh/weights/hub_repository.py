"""`hf://owner/name@revision`: which commit that is and what it holds."""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from keras_pnnh.addresses import without_secrets
from keras_pnnh.files import write_text
from keras_pnnh.weights import bounds, hub, hub_answers, hub_errors
from keras_pnnh.weights.hub import HubFile

PREFIX = "hf://"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
COMMIT = hub_answers.COMMIT
# Names that the Hub gives out, 96 characters each at most.
NAME = r"(?![\w.-]*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?"
REFERENCE = re.compile(rf"hf://({NAME}/{NAME}(?<!\.git))(?:@(.+))?", re.ASCII)
LARGEST_CONFIG = 1 << 20  # bytes


class HubRepository(NamedTuple):
    """A repository at a revision.

    Attributes:
        repo_id: `"owner/name"`.
        revision: Branch, tag or commit.
    """

    repo_id: str
    revision: str

    def file(self, name: str) -> HubFile:
        return HubFile(self.repo_id, self.revision, name)

    @property
    def url(self) -> str:
        return f"{hub.endpoint()}/{self.repo_id}/tree/{self.revision}"

    @property
    def in_directory(self) -> str:
        return f"{self.repo_id}/{WEIGHTS}"


class Published(NamedTuple):
    """What a revision of a repository is.

    Attributes:
        commit: 40 hexadecimal digits.
        files: Digest and size by name of the file; None if the Hub was not
            asked, since the cache or a folder of the user's has them.
    """

    commit: str
    files: dict[str, Any] | None


def is_reference(weights: Any) -> bool:
    """Whether `weights=` names a repository of the Hub."""
    return isinstance(weights, str) and weights.startswith(PREFIX)


def parse(reference: str, revision: str | None = None) -> HubRepository:
    """The repository of `"hf://owner/name"` or `"hf://owner/name@revision"`.

    Raises:
        ValueError: If it has another form, or names two revisions.
    """
    match = REFERENCE.fullmatch(reference)
    wanted = [each for each in (match and match[2], revision) if each]
    if match is None or not all(map(hub_answers.is_revision, wanted)):
        raise ValueError(
            "A repository of the Hub is written 'hf://owner/name' or "
            "'hf://owner/name@revision' (branch, tag or commit). "
            f"Received: '{without_secrets(reference)}'"
            + (f" with revision={revision!r}." if revision else ".")
        )
    if match[2] and revision and match[2] != revision:
        raise ValueError(
            "One revision at a time. Received: "
            f"'{reference}' with revision='{revision}'. Leave one out."
        )
    return HubRepository(match[1], match[2] or revision or "main")


def resolve(
    repository: Any,
    names: Any,
    *,
    cache_dir: Any,
    token: Any,
    local_files_only: bool,
    force: bool,
) -> Published:
    """Find out the commit of a revision and the digests of its files.

    There is no request if all `names` are there for a commit: nothing can have
    changed. Branches and tags are resolved by the Hub; if it is unreachable,
    the last known commit is used.

    Args:
        repository: A `HubRepository`.
        names: Files that will be needed.
        cache_dir: As in `hub.fetch`; `token` and `local_files_only`, too.
        force: Ask the Hub in any case.

    Returns:
        A `Published`.
    """
    hub_errors.check_token(token)
    known = _in_directory(repository) or _in_cache(repository, names, cache_dir)
    pinned = COMMIT.fullmatch(repository.revision)
    if known and not force and (known.files is None or pinned):
        return known
    if local_files_only or hub.is_offline():
        if known:
            return known
        reason = "requests are switched off"
        raise hub_errors.unreachable(repository, reason)
    try:
        info = hub.attempt(lambda: _ask(repository, token), repository)
    except (ConnectionError, FileNotFoundError) as error:
        # No answer, or none of a Hub's: that of a page to sign in at.
        down = isinstance(error, ConnectionError) or (
            error.__cause__ and hub_errors.is_transient(error.__cause__)
        )
        if known and down and not force:
            return known
        raise
    _remember(repository, info.commit, cache_dir)
    return info


def _remember(repository, commit, cache_dir):
    """Note where a branch or tag points to, as the client does."""
    refs = hub.repository_folder(repository.repo_id, cache_dir) / "refs"
    if COMMIT.fullmatch(repository.revision):
        return
    try:
        write_text(refs / repository.revision, commit)
    except OSError:
        pass  # a cache to read only


def _ask(repository, token):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.endpoint(), token=token)
    try:
        # The client's own default is to wait for ever.
        info = api.model_info(
            repository.repo_id,
            revision=repository.revision,
            files_metadata=True,
            timeout=10,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise hub_answers.WrongAnswerError("sends something odd") from error
    pinned = COMMIT.fullmatch(repository.revision)
    if pinned and info.sha != repository.revision:
        raise hub_answers.WrongAnswerError(f"names {info.sha!r} as the commit")
    files = {}
    for item in info.siblings or ():
        digest = item.lfs.sha256 if item.lfs else item.blob_id
        name = hub_answers.check_filename(item.rfilename)
        files[name] = (hub_answers.check_digest(digest), item.size)
    return Published(hub_answers.check_commit(info.sha), files)


def _in_directory(repository):
    file = repository.file(WEIGHTS)
    path = hub.directory_path(file)
    if path is None:
        return None
    if repository.revision != "main":
        raise ValueError(
            f"A folder of files of one's own ({hub_errors.DIRECTORY_VARIABLE}) "
            "has no revisions. Received: revision "
            f"'{repository.revision}' of '{repository.repo_id}', which lies "
            f"at '{path.parent}'. Leave the revision out to use what lies "
            "there, or unset the variable to ask the Hub."
        )
    return Published(repository.revision, None)


def _in_cache(repository, names, cache_dir):
    """What the cache knows: the name of a large file is its digest."""
    files, commit = {}, repository.revision
    for name in names:
        path = hub.find_cached(repository.file(name), cache_dir)
        if path is None:
            return None
        # snapshots/<commit>/<name> -> ../../blobs/<digest>
        digest = os.path.basename(os.path.realpath(path))
        if not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", digest):
            return None  # a cache without links does not keep digests
        commit = path.parent.name
        files[name] = (digest, None)
    return Published(commit, files)


class Snapshot(NamedTuple):
    """A repository of this library at one commit.

    Attributes:
        repository: The `HubRepository`.
        published: What its revision is.
        options: Of `hub.fetch`.
    """

    repository: HubRepository
    published: Published
    options: dict[str, Any]

    def config(self) -> dict[str, Any] | None:
        """The content of `config.json`, verified.

        None if a folder of the user's own holds the weights alone.
        """
        if self.published.files is None and not self._in_own_folder(CONFIG):
            return None
        return read_config(self._get(CONFIG))

    def weights(self) -> Path:
        """The path of the weight file, verified."""
        return self._get(WEIGHTS)

    def _in_own_folder(self, name):
        return hub.directory_path(self.repository.file(name)) is not None

    def _get(self, name) -> Any:
        files, repository = self.published.files, self.repository
        if files is not None and name not in files:
            raise ValueError(
                f"A repository with weights holds '{CONFIG}' and '{WEIGHTS}', "
                f"as `keras-pnnh push` writes them. Received: "
                f"{repository.url}, which has {', '.join(sorted(files))}."
            )
        digest, size = (None, None) if files is None else files[name]
        return hub.fetch(
            repository.repo_id,
            self.published.commit,
            name,
            digest,
            size,
            **self.options,
        )


def open_snapshot(
    reference: str,
    *,
    revision: str | None = None,
    cache_dir: Any = None,
    token: Any = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Snapshot:
    """A repository of the Hub at the commit that its revision is now.

    Args:
        reference: `"hf://owner/name"`, perhaps with `"@revision"`.
        revision: Branch, tag or commit, if the reference names none.
        cache_dir: As in `hub.fetch`, like the remaining arguments.
    """
    repository = parse(reference, revision)
    published = resolve(
        repository,
        (CONFIG, WEIGHTS),
        cache_dir=cache_dir,
        token=token,
        local_files_only=local_files_only,
        force=force_download,
    )
    options = {
        "cache_dir": cache_dir,
        "token": token,
        "local_files_only": local_files_only,
        "force_download": force_download,
    }
    return Snapshot(repository, published, options)


def fetch_weights(reference: str, **options: Any) -> Path:
    """The weight file of a repository of the Hub, verified.

    Args:
        reference: `"hf://owner/name"`, perhaps with `"@revision"`.
        **options: As in `open_snapshot`.

    Returns:
        The path of the file.

    Raises:
        ValueError: If the repository is none of this library's.
    """
    snapshot = open_snapshot(reference, **options)
    snapshot.config()
    return snapshot.weights()


def read_config(path: Path) -> Any:
    """The `config.json` of a saved Keras model.

    Raises:
        ValueError: If it is no JSON, or describes no model of this library.
    """
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise ValueError("too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        name = content["registered_name"]
        kind = type(content.get("config"))
    # What is nested too deeply is a RecursionError.
    except (
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(_FOREIGN.format(path, "no Keras model")) from error
    if not str(name).startswith("keras_pnnh>"):
        raise ValueError(_FOREIGN.format(path, f"{name!r:.99}"))
    if name != f"keras_pnnh>{content.get('class_name')}" or kind is not dict:
        raise ValueError(_FOREIGN.format(path, f"an incomplete {name!r:.99}"))
    bounds.check_config(content["config"], path)
    return content


_FOREIGN = (
    "Weights are loaded from repositories of this library's models. Received: "
    "'{}', which describes {}. Load other models with "
    "`keras.saving.load_model('hf://owner/name')` or keras-hub."
)
