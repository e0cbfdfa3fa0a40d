import importlib.util

import numpy as np
import pytest

from keras_pnnh.data import LabelledImages
from keras_pnnh.training import (
    evaluate,
    train,
)


@pytest.fixture
def start(make_model, tiny_data, tiny_recipe, tmp_path):
    def start(model=None, data=tiny_data, **arguments):
        try:
            train(
                model or make_model(),
                data,
                tiny_recipe,
                tmp_path / "run",
                **arguments,
            )
        finally:
            # Found before anything is written: no folder stands in the way.
            assert not (tmp_path / "run").exists()

    return start


def test_number_of_classes(start, tiny_data):
    data = tiny_data._replace(class_names=("ant", "bee", "cat", "dog"))
    with pytest.raises(ValueError, match="3 outputs .* 4 classes: ant, .*=4"):
        start(data=data)


def test_size_of_images(start):
    data = LabelledImages(
        np.zeros((6, 9, 8, 3), np.uint8), np.arange(6) % 3, ("a", "b", "c")
    )
    with pytest.raises(ValueError, match=r"images of \(9, 8, 3\) .*\(8, 8, 3"):
        start(data=data)


def test_no_images(start, tiny_data):
    data = tiny_data._replace(
        images=tiny_data.images[:0], labels=tiny_data.labels[:0]
    )
    with pytest.raises(ValueError, match="at least one image"):
        start(data=data)


def test_training_needs_logits(start, make_model):
    with pytest.raises(ValueError, match="`classifier_activation=None`"):
        start(make_model(classifier_activation="softmax"))


@pytest.mark.parametrize("package", ["matplotlib", "tensorflow"])
def test_missing_packages_are_found_first(start, package, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == package else find(name, *rest),
    )
    with pytest.raises(ModuleNotFoundError, match=f"needs {package}.*pip "):
        start(tensorboard=True)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda d: {"labels": d.labels / 1.0}, "whole numbers"),
        (lambda d: {"labels": d.labels[:, None]}, "whole numbers"),
        (lambda d: {"labels": d.labels[:-1]}, "whole numbers"),
        (lambda d: {"labels": d.labels == 1}, "whole numbers"),
        (lambda d: {"labels": d.labels + 1}, "from 1 to 3"),
        (lambda d: {"labels": d.labels - 1}, "from -1 to 1"),
        (lambda d: {"images": d.images / 255}, "uint8"),
        (lambda d: {"images": d.images[..., 0]}, "uint8"),
    ],
)
def test_labels_and_images_are_checked(start, tiny_data, change, words):
    with pytest.raises(ValueError, match=f"{words}.*"):
        start(data=tiny_data._replace(**change(tiny_data)))


def test_evaluation_checks_the_data(make_model, tiny_data):
    data = tiny_data._replace(class_names=("ant", "bee"))
    with pytest.raises(ValueError, match="3 outputs .* 2 classes"):
        evaluate(make_model(classifier_activation="softmax"), data)
