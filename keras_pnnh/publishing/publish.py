"""Publish the network of a finished run on the Hugging Face Hub."""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_pnnh.addresses import without_secrets
from keras_pnnh.files import write_text
from keras_pnnh.publishing.hub_card import render_hub_card
from keras_pnnh.publishing.hub_layout import write_layout
from keras_pnnh.weights import classifier as classifiers
from keras_pnnh.weights import (
    digest,
    hub,
    hub_answers,
    hub_errors,
    hub_repository,
    loader,
)

LIMITS = (
    "One run, tested on one data set. Other images, from another source or "
    "with other classes, may be classified arbitrarily."
)


class Publication(NamedTuple):
    """What `push` has made."""

    url: str
    commit: str
    tag: str


def push(
    run: Any,
    reference: str,
    *,
    tag: str | None = None,
    license: str = "apache-2.0",
    limits: str = LIMITS,
    twin: keras.Model | None = None,
    private: bool = False,
    token: Any = None,
) -> Publication:
    """Publish a run: weights, model card, self-test, and a tag.

    The repository is made if it does not exist. It can then be loaded by
    `weights="hf://owner/name"`, by `keras.saving.load_model` and, if the
    network averages a feature map, by keras-hub's `from_preset`.

    Args:
        run: Folder of a finished and evaluated run.
        reference: `"hf://owner/name"`.
        tag: Name of the version. Defaults to the next of `v1`, `v2`, ...
        license: Licence of the weights, as the Hub writes it.
        limits: What a user must know about data and use, in sentences.
        twin: Folder of the run of the residual twin, evaluated on the same
            data, or None.
        private: Whether a new repository is private.
        token: A token that may write; by default the user's.

    Returns:
        A `Publication`.

    Raises:
        FileNotFoundError: If the run has no record.
        ValueError: If it was not evaluated, its weights were replaced
            afterwards, the twin is none, or `tag` cannot be one.
        PermissionError: If the token may not write there.
        ConnectionError: If the Hub fails.
    """
    from huggingface_hub import HfApi

    run = Path(run)
    hub_errors.check_token(token)
    repository = hub_repository.parse(reference)
    if repository.revision != "main":
        raise ValueError(
            "What is published gets a tag of its own. Received: "
            f"'{reference}'. Write 'hf://{repository.repo_id}' and give the "
            "version as `tag`."
        )
    if tag is not None:
        check_tag(tag)
    record = read_record(run)
    check_weights(run, record)
    twin_record = twin and _read_twin(Path(twin), record)
    classifier = classifiers.read(run / "model.weights.h5")
    model = model_of(record["model"])
    loader.load(model, run / "model.weights.h5")
    api = HfApi(endpoint=hub.endpoint(), token=token)
    repo_id = repository.repo_id

    def render(tag):
        return render_hub_card(
            repo_id, tag, record, classifier, license, limits, twin_record
        )

    _check_record(run, lambda: render(tag or "v1"))
    with _explained(repository), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_layout(model, classifier, folder)
        shutil.copy(run / "record.json", folder)
        api.create_repo(repo_id, private=private, exist_ok=True)
        tag = _free_tag(api, repo_id, tag)
        write_text(folder / "README.md", render(tag))
        commit = api.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            commit_message=f"Publish {tag}",
        )
        api.create_tag(repo_id, tag=tag, revision=commit.oid)
    url = without_secrets(f"{hub.endpoint()}/{repo_id}")
    return Publication(url, commit.oid, tag)


def read_record(run: Any) -> Any:
    """The record of an evaluated run.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If the run was not evaluated.
    """
    path = run / "record.json"
    if not path.is_file():
        raise FileNotFoundError(
            "Only a finished run with its record is published. Received: "
            f"'{run}', which has no 'record.json'. Let the training finish "
            "first."
        )
    record = json.loads(path.read_text(encoding="utf-8"))
    if "test" not in record:
        raise ValueError(
            "A card states the test accuracy. Received: "
            f"'{path}' without 'test'. Evaluate the run first: "
            "`training.evaluate(model, data, run=...)`, or the command "
            "`keras-pnnh evaluate` with its record."
        )
    accuracy = record["test"].get("accuracy")
    if not isinstance(accuracy, float | int) or not 0 <= accuracy <= 1:
        raise ValueError(
            "An accuracy is a number from 0 to 1. Received: "
            f"'{path}' with accuracy={accuracy!r}. Evaluate the run again: "
            "`training.evaluate(model, data, run=...)`."
        )
    return record


def _check_record(run, render):
    """Raise, before a repository is made, unless a card can be written."""
    try:
        render()
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            "A card is written from the record of a run. Received: "
            f"'{run / 'record.json'}', which lacks something or says it in "
            f"another way: {type(error).__name__}: {error}. Train the run "
            "again, or take the record as it was written."
        ) from error


def check_weights(run: Any, record: Any) -> None:
    """Raise unless the weights of a run are those that were evaluated."""
    path = run / "model.weights.h5"
    loader.check_path(path)
    noted = record["test"].get("weights_sha256")
    found = digest.of_file(path)
    if noted != found:
        was = "says nothing of them" if noted is None else f"is of {noted}"
        raise ValueError(
            "What is published are the weights that were evaluated. Received: "
            f"'{path}' with SHA-256 {found}, where the record {was}. Evaluate "
            "these weights: `training.evaluate(model, data, run=...)`."
        )


def check_tag(tag: str) -> None:
    """Raise unless `hf://owner/name@tag` can name a tag."""
    known = isinstance(tag, str) and hub_answers.is_revision(tag)
    if not known or tag == "main" or hub_answers.COMMIT.fullmatch(tag):
        raise ValueError(
            "A version is named by letters, digits, '.', '-' and '_', and not "
            f"like the branch 'main' or a commit. Received: tag={tag!r}. Try "
            "'v1', or leave it out for the next number."
        )


def model_of(config: Any) -> Any:
    """The network that a record describes, with new weights."""
    config = dict(config)
    name = config.pop("class_name")
    config.pop("parameters", None)
    model_class = keras.saving.get_registered_object(f"keras_pnnh>{name}")
    if model_class is None:
        raise ValueError(
            "A run of this library records one of its networks. Received: "
            f"class_name={name!r}. Update keras_pnnh."
        )
    return model_class.from_config(config)


def _read_twin(path, record):
    twin = read_record(path)
    same = twin["data"]["source"] == record["data"]["source"]
    if twin["model"].get("internal_path") != "residual" or not same:
        raise ValueError(
            "The twin is a residual network on the same data "
            f"({record['data']['source']}). Received: '{path}' with "
            f"internal_path={twin['model'].get('internal_path')!r} on "
            f"{twin['data']['source']}. Train it with "
            "`internal_path='residual'`."
        )
    return twin


def _free_tag(api, repo_id, tag):
    tags = {item.name for item in api.list_repo_refs(repo_id).tags}
    if tag in tags:
        raise ValueError(
            "A published version never changes, so its tag must be new. "
            f"Received: tag={tag!r}; '{repo_id}' has "
            f"{', '.join(sorted(tags))}. Choose another or leave it out."
        )
    numbers = [int(name[1:]) for name in tags if re.fullmatch(r"v\d+", name)]
    return tag or f"v{max(numbers, default=0) + 1}"


class _explained:
    """Errors of the client inside become those of `hub_errors`."""

    def __init__(self, repository):
        self.repository = repository

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Exception):
            # The upload of a large file wraps its error.
            cause = error.__cause__ if kind is RuntimeError else None
            cause = cause if isinstance(cause, Exception) else error
            explained = hub_errors.explain(cause, self.repository)
            if explained is not cause:
                raise explained from error
        return False
