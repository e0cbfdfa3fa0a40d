"""Every public name of the wing has an example, and each one runs."""

import doctest

import pytest

from keras_pnnh import pass_through
from keras_pnnh.pass_through import layers

PUBLIC = [getattr(pass_through, name) for name in pass_through.__all__] + [
    getattr(layers, name) for name in layers.__all__ if name.startswith("Carry")
]


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_the_example_runs(public):
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(public, public.__name__, globs={})
    assert example.examples
    runner = doctest.DocTestRunner()
    assert runner.run(example).failed == 0
