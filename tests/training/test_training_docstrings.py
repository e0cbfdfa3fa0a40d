"""Every public function of data and training has an example that runs."""

import doctest

import pytest

from keras_pnnh import data, data_format, training
from keras_pnnh.data import identity

PUBLIC = [
    *(data.load_images, data.read_image, data.LabelledImages.split),
    *(identity.identify, data_format.data_format_of),
    *(training.evaluate, training.freeze, training.get_recipe),
    *(training.scale_learning_rates, training.train),
]


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_the_example_runs(public):
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(public, public.__name__, globs={})
    assert example.examples
    runner = doctest.DocTestRunner()
    assert runner.run(example).failed == 0
