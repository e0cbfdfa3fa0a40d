import time

import pytest
from hub_server import HubServer


@pytest.fixture
def hub(monkeypatch):
    """A local Hub that the library finds by the environment."""
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of downloads."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def short_waits(monkeypatch):
    """The client waits between its attempts, 23 seconds if it comes to it."""
    sleep = time.sleep
    monkeypatch.setattr(
        time, "sleep", lambda seconds: sleep(min(seconds, 0.005))
    )
