"""Converted weights, kept so that the next load need not convert again.

They lie beside the download in the cache of the Hub's client, named by what
they were made from, by which version, and by their own digest. Damaged or
missing ones are made again.
"""

import hashlib
import json
from typing import Any, NamedTuple

import keras

from keras_pnnh._version import __version__
from keras_pnnh.files import replace_when_complete
from keras_pnnh.weights import digest as digests
from keras_pnnh.weights import hub

# To be raised with every change of what a conversion computes or how it is
# kept: what was kept before is then converted again.
FORMAT = 1
MOST = 3  # files for one repository: they are as large as the download


class Kept(NamedTuple):
    """A network that was converted.

    Attributes:
        form: What its maker needs to build it, plain values.
        arrays: Its weights by name.
    """

    form: dict[str, Any]
    arrays: dict[str, Any]


def key_of(sha256: str, description: Any) -> Any:
    """A name for the conversion of a file to a network.

    Args:
        sha256: Digest of the file.
        description: What tells the network from others, plain values.

    Returns:
        The name, or None if the description holds other values than plain
        ones.
    """
    settings = (
        keras.__version__,
        keras.config.image_data_format(),
        keras.config.dtype_policy().name,
    )
    try:
        text = json.dumps([sha256, settings, description], sort_keys=True)
    except TypeError:
        return None
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"{__version__}-{FORMAT}-{digest}"


def find(repo_id: str, key: str, cache_dir: Any = None) -> Any:
    """What was kept under a name, or None; damaged files are removed."""
    repository = hub.repository_folder(repo_id, cache_dir)
    for path in _folder(repository).glob(f"{key}-*.safetensors"):
        digest = path.stem.rpartition("-")[2]
        try:
            if digests.difference(path, digest):
                path.unlink(missing_ok=True)
                continue
            return _read(path)
        except OSError:
            continue  # another process has removed it
    return None


def keep(repo_id: str, key: str, kept: Any, cache_dir: Any = None) -> None:
    """Keep a network; a cache that cannot be written to is left as it is."""
    from safetensors.numpy import save

    content = save(kept.arrays, {"form": json.dumps(kept.form)})
    name = f"{key}-{hashlib.sha256(content).hexdigest()}.safetensors"
    folder = _folder(hub.repository_folder(repo_id, cache_dir))
    try:
        with replace_when_complete(folder / name) as unfinished:
            unfinished.write_bytes(content)
        _remove_old(folder)
    except OSError:
        pass


def _read(path):
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        form = json.loads(file.metadata()["form"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    return Kept(form, arrays)


def _remove_old(folder):
    files = sorted(
        folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns
    )
    for path in files[:-MOST]:
        path.unlink(missing_ok=True)


def _folder(repository):
    return repository / "keras_pnnh" / "converted"
