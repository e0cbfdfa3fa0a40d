"""Every public class and function has an example, and each one runs.

An example is what a user can paste: it imports all that it needs. Those of the
larger networks, which differ from their family's smallest in the name alone,
run in `make test-full`.
"""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

from keras_pnnh import applications
from keras_pnnh.applications.catalog import MODELS

NAMES = (Path(__file__).parents[1] / "public_names.txt").read_text().split()
SMALLEST = (
    "PlainResNet20",
    "PlainMobileNetV2",
    "PlainViTTiny16",
    "PlainWide11Small",
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def find(name):
    """What a public name names: not the module that a function shares it with.

    `keras_pnnh.data.load_images` is a function, and a file.
    """
    package, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(package), attribute)


def documented():
    """Public classes and functions, each once, under its first name."""
    found = {}
    for name in NAMES:
        public = find(name)
        if inspect.isclass(public) or inspect.isfunction(public):
            found.setdefault(id(public), (name, public))
    return list(found.values())


def is_larger(name, public):
    """Whether it is a larger network of a family that is tried."""
    return (
        inspect.isfunction(public)
        and name.rpartition(".")[0] == applications.__name__
        and public.__name__[0].isupper()
        and public.__name__ not in SMALLEST
    )


def parse(public):
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(public, public.__name__, globs={})
    return found


PUBLIC = documented()
RUN = [
    pytest.param(
        public,
        id=name,
        marks=[pytest.mark.full_only] if is_larger(name, public) else [],
    )
    for name, public in PUBLIC
]


@pytest.fixture
def registered():
    """Forgets the models that an example registers."""
    before = dict(MODELS)
    yield
    MODELS.clear()
    MODELS.update(before)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("public", RUN)
def test_the_example_runs(public, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    assert runner.run(parse(public)).failed == 0
    assert not list(tmp_path.iterdir()), "it leaves files where it is pasted"


def test_every_class_and_function_has_an_example():
    titled = "Example:\n\n>>> "  # as `tools/api_pages.py` finds it for the site
    without = [
        name for name, public in PUBLIC if titled not in inspect.getdoc(public)
    ]
    assert not without, f"no example in the docstrings of {without}"


def test_all_other_names_are_packages_and_constants():
    for name in NAMES:
        public = find(name)
        last = name.rpartition(".")[2]
        assert (
            inspect.isclass(public)
            or inspect.isfunction(public)
            or hasattr(public, "__path__")
            or last.isupper()
            or last == "__version__"
        ), name
