"""Classifying image files."""

import numpy as np
import pytest

from keras_pnnh.samples import sample_images
from keras_pnnh.training import classify


def test_bundled_weights_recognise_the_samples():
    samples = sample_images()
    predictions = classify.classify_files(
        "plain_resnet20", "cifar10", [sample.path for sample in samples]
    )
    right = [
        prediction.labels[0] == sample.label
        for prediction, sample in zip(predictions, samples, strict=True)
    ]
    assert np.mean(right) > 0.7


def test_top_classes_are_sorted():
    prediction = classify.top_classes("a.jpg", np.array([0.2, 0.5, 0.3]), "xyz")
    assert prediction.labels == ("y", "z", "x")
    assert prediction.probabilities == (0.5, 0.3, 0.2)


@pytest.mark.parametrize("top", [0, 11])
def test_top_out_of_range(top):
    with pytest.raises(ValueError, match="between 1 and the 10 classes"):
        classify.classify_files("plain_resnet20", "cifar10", [], top)


def test_image_that_is_none(tmp_path):
    path = tmp_path / "note.jpg"
    path.write_text("no image")
    with pytest.raises(ValueError, match="note.jpg"):
        classify.classify_files("plain_resnet20", "cifar10", [path])


def test_table_shows_wrong_labels_in_red():
    prediction = classify.top_classes("d/a.jpg", np.array([0.9, 0.1]), "xy")
    table = classify.as_table([prediction], truth=["y"])
    assert table.columns[1]._cells == ["[red]y[/]"]
