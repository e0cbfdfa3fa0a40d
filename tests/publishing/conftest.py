"""The local Hub for these tests."""

from hub_fixtures import cache, hub, short_waits  # noqa: F401
