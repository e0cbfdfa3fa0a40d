"""What `weights=` names: a file, a repository, or a row of the registry.

A source says which arguments its weights are for, before anything large is
downloaded, and loads them into the model that is built from these.
"""

from pathlib import Path
from typing import Any, Protocol

import keras

from keras_pnnh.applications.pretrained.converted import load_chain
from keras_pnnh.layers._initial_values import replaced_later
from keras_pnnh.weights import (
    architecture,
    bounds,
    classifier,
    hub,
    hub_repository,
    loader,
    references,
    registry,
)
from keras_pnnh.weights.state_dicts import MATCHES
from keras_pnnh.weights.state_dicts.assignment import assign
from keras_pnnh.weights.state_dicts.safetensors_file import read

# Arguments of `hub.fetch`; accepted, and ignored, when nothing is loaded from
# the Hub.
DOWNLOAD_OPTIONS = (
    "revision",
    "cache_dir",
    "token",
    "local_files_only",
    "force_download",
)


class Source(Protocol):
    """Where weights come from."""

    name: str  # for messages

    def made_for(self) -> tuple[str | None, str | None]:
        """Family and name of the network, each None if they do not say."""
        ...

    def architecture(
        self, model_class: Any, given: dict[str, Any]
    ) -> dict[str, Any]:
        """The arguments of the model that the weights say.

        Args:
            model_class: The application to build.
            given: Arguments that the caller gives.

        Raises:
            ValueError: If the weights are of another family.
        """
        ...

    def size(self) -> int | None:
        """Bytes of the weights; None if what they say can be trusted."""
        ...

    def load(self, model: keras.Model, new_head: bool) -> None:
        """Load the weights, but for a classifier that stays as it is."""
        ...


def find_source(
    variant: str | None,
    numbers: dict[str, Any],
    weights: Any,
    options: dict[str, Any],
) -> Source:
    """The source of `weights`, which must not be None.

    Args:
        variant: Name of the model, or None if the weights name it.
        numbers: Arguments that make the variant.
        weights: As in the constructors.
        options: Of `hub.fetch`.
    """
    kind = references.kind_of(weights)
    if kind == "repository":
        return Repository(weights, options)
    if kind == "file":
        return File(weights)
    name, entry = references.find_entry(variant, weights)
    if entry.repo_id is None:
        return Bundled(name, entry)
    return Published(name, numbers, entry, options)


class _Noted:
    """A source that has a note of its network, in a file or beside it."""

    name: str

    def made_for(self) -> tuple[str | None, str | None]:
        noted = self._noted() or {}
        return noted.get("class_name"), noted.get("name")

    def architecture(
        self, model_class: Any, given: dict[str, Any]
    ) -> dict[str, Any]:
        noted = self._noted()
        if noted is None:
            return {}
        return architecture.arguments_of(model_class, noted, self.name)

    def _noted(self) -> dict[str, Any] | None:
        raise NotImplementedError


class File(_Noted):
    """A `.weights.h5` file of the user's."""

    def __init__(self, path: Any) -> None:
        loader.check_path(Path(path))
        self.name: str = str(path)
        self._path = Path(path)

    def size(self) -> int | None:
        return self._path.stat().st_size

    def load(self, model: keras.Model, new_head: bool) -> None:
        _load_file(model, self._path, new_head)

    def _noted(self):
        with loader.open_file(self._path) as file:
            noted = architecture.read(file)
        if noted is not None:
            bounds.check_config(noted, self.name)
        return _with_classes(noted, self._path)


class Bundled:
    """A file that the package brings along."""

    def __init__(self, name: str, entry: Any) -> None:
        self.name: str = name
        self._entry = entry
        self._path = registry.BUNDLED / entry.filename
        loader.check_path(self._path)

    def made_for(self) -> tuple[str | None, str | None]:
        return File(self._path).made_for()

    def architecture(
        self, model_class: Any, given: dict[str, Any]
    ) -> dict[str, Any]:
        architecture.check_channels(3, given, self.name)
        # Before anything in it is believed.
        loader.check_digest(self._path, self._entry.sha256)
        says = File(self._path).architecture(model_class, given)
        return {**says, "classes": self._entry.classes}

    def size(self) -> int | None:
        return None

    def load(self, model: keras.Model, new_head: bool) -> None:
        _load_file(model, self._path, new_head, checked=True)


class Repository(_Noted):
    """A model of this library on the Hub."""

    def __init__(self, reference: str, options: dict[str, Any]) -> None:
        self.name: str = reference
        self._options = options
        hub_repository.parse(reference, options.get("revision"))
        self._opened = None

    def size(self) -> int | None:
        # Not the size that the Hub says.
        return self._snapshot().weights().stat().st_size

    def load(self, model: keras.Model, new_head: bool) -> None:
        _load_file(model, self._snapshot().weights(), new_head)

    def _snapshot(self):
        if self._opened is None:
            self._opened = hub_repository.open_snapshot(
                self.name, **self._options
            )
        return self._opened

    def _noted(self):
        config = self._snapshot().config()
        if config is None:  # a folder of the user's own
            return File(self._snapshot().weights())._noted()
        return {**config["config"], "class_name": config["class_name"]}


class Published:
    """A row of the registry whose file is on the Hub."""

    def __init__(
        self,
        name: str,
        numbers: dict[str, Any],
        entry: Any,
        options: dict[str, Any],
    ) -> None:
        if options.get("revision") not in (None, entry.revision):
            raise ValueError(
                "Published weights are pinned to a commit. Received: "
                f"weights={name!r} with revision='{options['revision']}', "
                f"pinned to '{entry.revision}'. Leave `revision` out."
            )
        self.name: str = name
        self.entry: Any = entry
        self._numbers = numbers
        self.options: dict[str, Any] = {**options, "revision": entry.revision}

    def made_for(self) -> tuple[str | None, str | None]:
        return None, None

    def architecture(
        self, model_class: Any, given: dict[str, Any]
    ) -> dict[str, Any]:
        entry = self.entry
        path = entry.internal_path
        if path == "pass_through":
            # A residual network is its own twin, or becomes a plain chain.
            path = given.get("internal_path", path)
        if path not in (entry.internal_path, "residual"):
            raise ValueError(
                f"The weights '{self.name}' are those of a residual network "
                f"({entry.repo_id}). Received: internal_path={path!r}. Leave "
                "it out for a plain chain with pass-through channels, or take "
                "internal_path='residual'."
            )
        architecture.check_channels(3, given, self.name)
        return {
            **self._numbers,
            "preprocessing": entry.preprocessing,
            "classes": entry.classes,
            **dict(entry.arguments),
            "internal_path": path,
        }

    def size(self) -> int | None:
        return None

    def load(self, model: keras.Model, new_head: bool) -> None:
        if model.get_config()["internal_path"] == "pass_through":
            load_chain(model, self, new_head)
        else:
            self.load_residual(model, new_head)

    def load_residual(self, model: keras.Model, new_head: bool) -> None:
        """Load the network as it is published."""
        entry = self.entry
        path = hub.fetch(
            entry.repo_id,
            filename=entry.filename,
            digest=entry.sha256,
            size=entry.size,
            **self.options,
        )
        if entry.state_dict is None:
            _load_file(model, path, new_head, checked=True)
            return
        matches, spare = MATCHES[entry.state_dict](model)
        fresh = model.get_layer("head").variables if new_head else ()
        others = set(map(id, fresh))
        left_out = [m.name for m in matches if id(m.variable) in others]
        matches = [m for m in matches if id(m.variable) not in others]
        assign(model, read(path), matches, path, (*spare, *left_out), fresh)


def _with_classes(noted, path):
    """A note of an earlier version, with the number of the classes if known."""
    if noted is None or "classes" in noted:
        return noted
    labels = classifier.read_labels(path)
    return noted if labels is None else {**noted, "classes": len(labels)}


def _load_file(model, path, new_head, checked=False):
    if not new_head:
        loader.load(model, path, checked)
        return
    config = {**model.get_config(), "include_top": False}
    with replaced_later():
        backbone = type(model).from_config(config)
    loader.load(backbone, path, checked)
    for layer in backbone.layers:
        model.get_layer(layer.name).set_weights(layer.get_weights())
