"""Every public class and function has an example, and each one runs."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

from keras_pnnh import applications

NAMES = (Path(__file__).parents[1] / "public_names.txt").read_text().split()
# Of the constructors one of each family: the others are the same but larger.
CHOSEN = (
    "PlainResNet20",
    "PlainMobileNetV2",
    "PlainViTTiny16",
    "PlainWide11Small",
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def find(name):
    """What a public name names."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found


def documented():
    """Public classes and functions, each once, under its first name."""
    found = {}
    for name in NAMES:
        public = find(name)
        if inspect.isclass(public) or inspect.isfunction(public):
            found.setdefault(id(public), (name, public))
    return list(found.values())


def is_left_out(name, public):
    """Whether it is a larger network of a family that is tried."""
    return (
        inspect.isfunction(public)
        and name.rpartition(".")[0] == applications.__name__
        and public.__name__[0].isupper()
        and public.__name__ not in CHOSEN
    )


PUBLIC = documented()


@pytest.mark.parametrize(
    "public", [p for _, p in PUBLIC], ids=[n for n, _ in PUBLIC]
)
def test_it_has_an_example_that_runs(public, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(public, public.__name__, globs={})
    assert found.examples, "no example"
    if is_left_out(request.node.callspec.id, public):
        return
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    assert runner.run(found).failed == 0


def test_the_names_are_found():
    assert len(PUBLIC) > 100
    assert all(
        public.__module__.startswith("keras_pnnh") for _, public in PUBLIC
    )
