"""Fixtures for all tests."""

import keras
import numpy as np
import pytest


def pytest_configure(config):
    # Keras 3.15 hands torch tensors to NumPy 2 in the old way.
    config.addinivalue_line(
        "filterwarnings",
        "ignore:__array__ implementation doesn't accept a copy keyword"
        ":DeprecationWarning:keras",
    )


@pytest.fixture(autouse=True)
def seed():
    """The same initial values in every test, in whatever order they run."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def images():
    """Four images of 8x8 pixels, values 0 to 255."""
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (4, 8, 8, 3)).astype("float32")
