"""The package installs from wheel and sdist with all it needs."""

import ast
import importlib
import os
import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from families import FAMILIES

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


def registered():
    """Names that `keras.saving` finds once every module is imported."""
    for module in pkgutil.walk_packages(keras_pnnh.__path__, "keras_pnnh."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {
        name
        for name, thing in keras.saving.get_custom_objects().items()
        if name.startswith("keras_pnnh>")
        and thing.__module__.startswith("keras_pnnh.")
    }


@pytest.mark.torch_only
def test_import_registers_whatever_can_be_saved():
    code = "import keras_pnnh, keras; print(*keras.saving.get_custom_objects())"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert registered() <= set(found)
    assert len(registered()) > 15


LOAD = """
import sys
import keras_pnnh
import keras, numpy as np
for folder in sys.argv[1:]:
    model = keras.saving.load_model(folder + "/model.keras")
    results = model.predict(np.ones((2, 32, 32, 3)), verbose=0)
    np.save(folder + "/results.npy", results)
"""


@pytest.mark.slow
@pytest.mark.torch_only
def test_saved_models_load_after_the_import_alone(tmp_path):
    images, expected = np.ones((2, 32, 32, 3)), {}
    for family in sorted(FAMILIES)[:2]:
        family_class, numbers = FAMILIES[family][:2]
        model = family_class(
            **{**numbers, "input_shape": (32, 32, 3), "classes": 3}
        )
        folder = tmp_path / family
        folder.mkdir()
        model.save(folder / "model.keras")
        expected[folder] = model.predict(images, verbose=0)
    subprocess.run([sys.executable, "-c", LOAD, *expected], check=True)
    for folder, results in expected.items():
        np.testing.assert_allclose(
            np.load(folder / "results.npy"), results, rtol=1e-5, atol=1e-6
        )


@pytest.mark.torch_only
def test_everything_is_there_after_the_import():
    names = [name for name in keras_pnnh.__all__ if name != "__version__"]
    code = (
        "import keras_pnnh\n"
        "assert callable(keras_pnnh.training.freeze)\n"
        f"for name in {names}: getattr(keras_pnnh, name)\n"
        "assert callable(keras_pnnh.fold) and callable(keras_pnnh.audit)\n"
        "assert keras_pnnh.folding.fold is keras_pnnh.fold\n"
        "try: keras_pnnh.nonsense\n"
        "except AttributeError as error: assert 'nonsense' in str(error)\n"
        "else: raise SystemExit('nonsense')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(keras_pnnh.__all__) <= set(dir(keras_pnnh))


def test_type_checkers_see_what_is_lazy():
    """The names under `TYPE_CHECKING` are those of `__all__`."""
    tree = ast.parse(Path(keras_pnnh.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(keras_pnnh.__all__) <= seen


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
