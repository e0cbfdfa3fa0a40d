"""Check a published network again: its files, its weights, its outputs."""

import zipfile
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_pnnh.publishing.hub_layout import (
    SELF_TEST,
    predict_logits,
)
from keras_pnnh.weights import (
    bounds,
    hub,
    hub_repository,
    loader,
)
from keras_pnnh.weights import digest as digests

# Backends differ in the order of their sums.
TOLERANCE = 1e-3
LARGEST_SELF_TEST = 1 << 26  # bytes


class Verification(NamedTuple):
    """What was checked.

    Attributes:
        commit: Of the repository.
        files: Name and digest of each file.
        difference: Largest difference of a logit of the self-test, relative
            to the largest logit; None if the repository has no self-test.
    """

    commit: str
    files: tuple[tuple[str, str], ...]
    difference: float | None


def verify_repository(reference: str, **options: Any) -> Verification:
    """Fetch all files of a repository, check them, run the self-test.

    Args:
        reference: `"hf://owner/name"` or `"hf://owner/name@revision"`.
        **options: `cache_dir`, `token`, `local_files_only`,
            `force_download`, as in `hub.fetch`.

    Returns:
        A `Verification`.

    Raises:
        ValueError: If a file is damaged, the weights do not fit, or the
            logits differ.
    """
    repository = hub_repository.parse(reference)
    names = (hub_repository.CONFIG, hub_repository.WEIGHTS, SELF_TEST)
    published = hub_repository.resolve(
        repository,
        names,
        cache_dir=options.get("cache_dir"),
        token=options.get("token"),
        local_files_only=options.get("local_files_only", False),
        force=options.get("force_download", False),
    )
    paths = _fetch_all(repository, published, names, options)
    checked = []
    for name, path in paths.items():
        digest, _ = (published.files or {}).get(name, (None, None))
        checked.append((name, digest or digests.of_file(path)))
    config = hub_repository.read_config(paths[hub_repository.CONFIG])
    difference = None
    if SELF_TEST in paths:
        difference = _self_test(config, paths, repository)
    return Verification(published.commit, tuple(checked), difference)


def _fetch_all(repository, published, names, options):
    """Paths of all files, or of those in the user's own folder."""
    if published.files is None:
        paths = {
            name: hub.directory_path(repository.file(name)) for name in names
        }
        paths = {name: path for name, path in paths.items() if path}
    else:
        paths = {
            name: hub.fetch(
                repository.repo_id, published.commit, name, *file, **options
            )
            for name, file in sorted(published.files.items())
        }
    for name in (hub_repository.CONFIG, hub_repository.WEIGHTS):
        if name not in paths:
            raise ValueError(
                f"A repository with weights holds '{name}'. Received: "
                f"{repository.url} without."
            )
    return paths


def _self_test(config, paths, repository):
    model_class = keras.saving.get_registered_object(config["registered_name"])
    if model_class is None:
        raise ValueError(
            "This version must know the network. Received: "
            f"'{config['registered_name']}' of {repository.url}. Update "
            "keras_pnnh."
        )
    size = paths[hub_repository.WEIGHTS].stat().st_size
    bounds.check_widths(config["config"], size, repository.url)
    with bounds.building(repository.url):
        model = model_class.from_config(
            {**config["config"], "classifier_activation": None}
        )
    loader.load(model, paths[hub_repository.WEIGHTS])
    images, expected = _read_self_test(paths[SELF_TEST])
    with bounds.building(repository.url):
        outputs = predict_logits(model, images)
    if outputs.shape != expected.shape:
        raise ValueError(
            "A self-test must be of its network. Received: "
            f"{repository.url} with logits of shape {expected.shape}, where "
            f"the network gives {outputs.shape}. Do not use it; report it."
        )
    difference = float(
        np.abs(outputs - expected).max() / np.abs(expected).max()
    )
    if not difference <= TOLERANCE:
        raise ValueError(
            "A published network must give the logits that it was published "
            f"with, to {TOLERANCE} of the largest. Received: {repository.url} "
            f"with a difference of {difference:.2g} on "
            f"{keras.backend.backend()}. Do not use it; report it."
        )
    return difference


def _read_self_test(path):
    """Images and logits, checked before they take memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > LARGEST_SELF_TEST:
            raise ValueError(f"it unpacks to {unpacked:,} bytes")
        with np.load(path, allow_pickle=False) as test:
            images, logits = test["images"], test["logits"]
        shapes = f"images {images.shape}, logits {logits.shape}"
        if images.ndim != 4 or logits.ndim != 2 or not len(images):
            raise ValueError(shapes)
        if len(images) != len(logits) or images.dtype != np.uint8:
            raise ValueError(f"{shapes}, {images.dtype}")
        if logits.dtype.kind != "f" or not np.isfinite(logits).all():
            raise ValueError("logits that are no finite numbers")
        if not np.abs(logits).max() > 0:
            raise ValueError("logits that are all 0")
    # Archives are damaged in many ways, each with an error of its own.
    except Exception as error:
        raise ValueError(
            "A self-test holds a few images and the logits that they must "
            f"give. Received: '{path}', which does not: {error}. Ask its "
            "author to publish it again."
        ) from error
    return images, logits
