"""What `weights=` names: a file, a bundled or published checkpoint, a
repository of the Hugging Face Hub.

A source says which arguments its weights ask for, fetches its file once the
model is there to be compared with, and loads it.
"""

from pathlib import Path

from keras_pnnh.applications import _old_configs
from keras_pnnh.weights import (
    architecture,
    hub,
    hub_repository,
    loader,
    registry,
)
from keras_pnnh.weights.state_dicts import MATCHES
from keras_pnnh.weights.state_dicts.assignment import assign
from keras_pnnh.weights.state_dicts.safetensors_file import read

# Arguments of `hub.fetch`; who loads nothing from the Hub may give them, too.
DOWNLOAD_OPTIONS = (
    "revision",
    "cache_dir",
    "token",
    "local_files_only",
    "force_download",
)


def find_source(variant, numbers, weights, options):
    """The source of `weights`, which must not be None."""
    if hub_repository.is_reference(weights):
        return Repository(weights, options)
    if registry.is_path(weights):
        return File(weights)
    entry = registry.find_weights(variant, weights)
    if entry.repo_id is None:
        return File(registry.BUNDLED / entry.filename, entry)
    return Published(variant, numbers, weights, entry, options)


class File:
    """A `.weights.h5` file, of the user's or of the package.

    Attributes:
        classes: Number of classes of the classifier in the file, if they may
            differ from the model's; None if they must agree.
    """

    def __init__(self, path, entry=None):
        loader.check_path(Path(path))
        self.path = path
        self.sha256 = entry and entry.sha256
        self.classes = entry and entry.classes

    def complete(self, arguments):
        """The model's arguments with those that the weights ask for."""
        if self.sha256 is not None:
            return arguments  # ours; nothing of it is read before the check
        with loader.open_file(Path(self.path)) as file:
            made_for = architecture.read(file) or {}
        path = _old_configs.translate(
            made_for.get("class_name", ""), made_for
        ).get("internal_path")
        return (
            arguments if path is None else {"internal_path": path, **arguments}
        )

    def has_head_of(self, arguments):
        """Whether the file's classifier, if it has one, is the model's."""
        return self.classes in (None, arguments["classes"])

    def fetch(self, model):
        """Get the file, if it belongs to the model."""

    def load(self, model):
        loader.load(model, self.path, self.sha256)


class Repository(File):
    """A model of this library on the Hub."""

    def __init__(self, reference, options):
        hub_repository.parse(reference, options.get("revision"))
        self.reference, self.options = reference, options
        self.sha256 = self.classes = None

    def complete(self, arguments):
        return arguments

    def fetch(self, model):
        def check(content):
            config = content["config"]
            made_for = architecture.of_config(content["class_name"], config)
            architecture.check(model, made_for, self.reference)
            if config["include_top"]:
                self.classes = config["classes"]

        self.path = hub_repository.fetch_weights(
            self.reference, check, **self.options
        )


class Published(File):
    """A row of the registry whose file is on the Hub."""

    def __init__(self, variant, numbers, tag, entry, options):
        if options.get("revision") not in (None, entry.revision):
            raise ValueError(
                "Published weights are pinned to a commit. Received: "
                f"weights={tag!r} with revision='{options['revision']}', "
                f"pinned to '{entry.revision}'. Leave `revision` out."
            )
        self.name = f"{variant}.{tag}"
        self.entry, self.numbers = entry, numbers
        self.options = {**options, "revision": entry.revision}
        self.classes = entry.classes

    def complete(self, arguments):
        given = {
            "preprocessing": self.entry.preprocessing,
            **dict(self.entry.arguments),
            **arguments,
        }
        if self.entry.coder == "identity":
            given.update(self._internal_path(arguments))
        return given

    def _internal_path(self, arguments):
        """A residual network is its own twin, or becomes a plain chain."""
        path = arguments.get("internal_path", "pass_through")
        if path in ("residual", "pass_through"):
            return {"internal_path": path}
        raise ValueError(
            f"The weights '{self.name}' are those of a residual network "
            f"({self.entry.repo_id}). Received: internal_path={path!r}. Leave "
            "it out for a plain chain with pass-through channels, or take "
            "internal_path='residual'."
        )

    def made_for(self, model_class):
        """The architecture of the weights."""
        wanted = {**self.numbers, **dict(self.entry.arguments)}
        wanted["preprocessing"] = self.entry.preprocessing
        if self.entry.coder == "identity":
            wanted["internal_path"] = "residual"
        return architecture.of_config(model_class.__name__, wanted)

    @property
    def url(self):
        return f"hf://{self.entry.repo_id}"

    def fetch(self, model):
        architecture.check(model, self.made_for(type(model)), self.url)
        self.download()

    def download(self):
        entry = self.entry
        self.path = hub.fetch(
            entry.repo_id,
            filename=entry.filename,
            digest=entry.sha256,
            size=entry.size,
            **self.options,
        )

    def load(self, model, new_head=False):
        """Load, but for a head of another size."""
        kind = self.entry.state_dict
        if kind is None:
            loader.load(model, self.path)  # the digest is checked already
            return
        matches, spare = MATCHES[kind](model)
        fresh = model.get_layer("head").variables if new_head else ()
        others = set(map(id, fresh))
        left_out = [m.name for m in matches if id(m.variable) in others]
        matches = [m for m in matches if id(m.variable) not in others]
        state_dict = read(self.path)
        spare = (*spare, *left_out)
        assign(model, state_dict, matches, self.path, spare, fresh)
