"""The examples in the docstrings run."""

import doctest
import inspect

import pytest

from keras_pnnh import applications

# Of the constructors one of each family: the others are the same but larger.
LARGE = [
    name
    for name in applications.__all__
    if inspect.isfunction(getattr(applications, name)) and name[0].isupper()
]
CHOSEN = {
    "PlainResNet20",
    "PlainMobileNetV2",
    "PlainViTTiny16",
    "PlainWide11Small",
}


@pytest.mark.parametrize("name", applications.__all__)
def test_examples(name):
    public = getattr(applications, name)
    finder = doctest.DocTestFinder(recurse=False)
    examples = finder.find(public, name, globs={})
    assert any(example.examples for example in examples), "no example"
    if name in LARGE and name not in CHOSEN:
        return
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in examples:
        runner.run(example)
    assert not runner.failures
