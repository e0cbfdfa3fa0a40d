"""The package installs from wheel and sdist with all it needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import pytest

import keras_pnnh
from keras_pnnh.samples import sample_images

ROOT = Path(__file__).parents[1]

# Run in an installed copy, away from the repository.
PROBE = """
import pathlib, sys
import numpy as np
import keras_pnnh
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.samples import sample_images

folder = pathlib.Path(keras_pnnh.__file__).parent
if sys.argv[1] not in str(folder):
    sys.exit(f"imported from {folder}")
model = PlainResNet20(weights="cifar10")
print(model.predict(np.zeros((1, 32, 32, 3)), verbose=0).shape)
print(len(sample_images()))
"""


def test_samples_are_thirty_images_of_ten_classes():
    samples = sample_images()
    assert len(samples) == 30
    assert len({sample.label for sample in samples}) == 10


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert keras_pnnh.__version__ == version("keras-pnnh")


def test_import_needs_only_keras_and_one_backend():
    """Whatever is optional is imported where it is used, not before."""
    backends = {"tensorflow", "jax", "torch"} - {keras.backend.backend()}
    absent = [*backends, "matplotlib", "PIL", "tensorflow_datasets"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent}));"
        "import keras_pnnh, keras_pnnh.cli, keras_pnnh.training"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.torch_only
@pytest.mark.parametrize("form", ["wheel", "sdist"])
def test_built_distribution_works_when_installed(form, tmp_path):
    build = [sys.executable, "-m", "build", "--no-isolation", f"--{form}"]
    subprocess.run(
        [*build, "--outdir", tmp_path, ROOT], check=True, capture_output=True
    )
    (archive,) = tmp_path.glob("keras_pnnh-*")
    if form == "wheel":
        names = zipfile.ZipFile(archive).namelist()
        assert not any(
            name.startswith(("tests/", "examples/", "study/", "tools/"))
            for name in names
        )
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
    subprocess.run(
        [*install, "--no-build-isolation", "--target", site, archive],
        check=True,
        capture_output=True,
    )
    probe = subprocess.run(
        [sys.executable, "-c", PROBE, str(site)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert probe.stdout.split("\n")[:2] == ["(1, 10)", "30"]
