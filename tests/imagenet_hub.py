"""The local Hub with random weights of a published network's names."""

import sys
from pathlib import Path

import pytest
from hub_repository import sha256
from hub_server import HubServer

from keras_pnnh.weights import registry

sys.path.append(str(Path(__file__).parent / "weights" / "state_dicts"))

import published  # noqa: E402

KEY = "plain_resnet18.imagenet"


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """`PlainResNet18(weights="imagenet")` is served from this machine."""
    from safetensors.numpy import save

    content = save(published.random_state_dict("resnet18"))
    entry = registry.WEIGHTS[KEY]
    with HubServer() as server:
        files = {"model.safetensors": content, "config.json": b"{}"}
        revision = server.add(entry.repo_id, files)
        entry = entry._replace(
            sha256=sha256(content), size=len(content), revision=revision
        )
        monkeypatch.setitem(registry.WEIGHTS, KEY, entry)
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
