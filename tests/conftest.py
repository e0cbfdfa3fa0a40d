"""Fixtures for all tests."""

import os
import pathlib

# The client of the Hub reads them when it is imported, and Keras imports it.
# No test may leave this machine or find a token of the user's; uploads to the
# local Hub go without the Xet protocol.
os.environ.update(
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_IMPLICIT_TOKEN="1",
)
if "KERAS_PNNH_ONLINE" not in os.environ:
    os.environ.update(HF_HUB_DISABLE_XET="1", HF_ENDPOINT="http://127.0.0.1:9")

import keras
import numpy as np
import pytest

ONLINE = "KERAS_PNNH_ONLINE" in os.environ  # as `make online` sets it


def pytest_configure(config):
    # Keras 3.15 hands torch tensors to NumPy 2 in the old way.
    config.addinivalue_line(
        "filterwarnings",
        "ignore:__array__ implementation doesn't accept a copy keyword"
        ":DeprecationWarning:keras",
    )
    # huggingface_hub 2.4 uploads in a way that its HTTP client deprecates.
    config.addinivalue_line(
        "filterwarnings",
        "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning",
    )


# Folders and files whose tests look at structure, files, text and refusals, or
# repeat elsewhere what every backend computes: these do not depend on it, but
# for those that are marked `every_backend`.
ON_ONE_BACKEND = (
    "analysis",
    "auditing",
    "cli",
    "data",
    "documents",
    "graph",
    "presentation",
    "publishing",
    "study",
    "theory",
    "weights",
    "test_documents.py",
    "test_files.py",
    "test_public_names.py",
    "applications/test_activation_orders.py",
    "applications/test_arguments.py",
    "applications/test_bad_input.py",
    "applications/test_code_placement.py",
    "applications/test_constructors.py",
    "applications/test_frozen_and_quantized.py",
    "applications/test_input_tensor.py",
    "applications/test_predictions.py",
    "applications/test_saved_before.py",
    "deployment/test_benchmark.py",
    "deployment/test_openvino.py",
    "deployment/test_process.py",
    "layers/test_wrong_arguments.py",
    "pass_through/test_certificate.py",
    "pass_through/test_from_residual_errors.py",
    "pass_through/test_look_inside.py",
    "pass_through/test_write_out_in_range.py",
    "training/test_progress.py",
    "training/test_recipe.py",
    "training/test_requirements.py",
    "training/test_run_folder.py",
    "training/test_save_run.py",
)


def pytest_collection_modifyitems(items):
    offline = pytest.mark.skip(reason="asks the real Hub: make online")
    local = pytest.mark.skip(reason="KERAS_PNNH_ONLINE is set: make online")
    for item in items:
        if (item.get_closest_marker("network") is not None) != ONLINE:
            item.add_marker(local if ONLINE else offline)
        path = item.path.relative_to(pathlib.Path(__file__).parent)
        listed = {path.parts[0], path.as_posix()} & {*ON_ONE_BACKEND}
        if listed and not item.get_closest_marker("every_backend"):
            item.add_marker(pytest.mark.torch_only)
    if "KERAS_PNNH_ALL_TESTS" in os.environ:
        return
    backend = keras.backend.backend()
    left_out = ["full_only"]
    left_out += ["torch_only"] * (backend != "torch")
    left_out += ["slow_on_jax"] * (backend == "jax")
    for item in items:
        for marker in left_out:
            if item.get_closest_marker(marker):
                reason = f"{marker}: KERAS_PNNH_ALL_TESTS=1"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def seed():
    """The same initial values in every test, in whatever order they run."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def images():
    """Four images of 8x8 pixels, values 0 to 255."""
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (4, 8, 8, 3)).astype("float32")
