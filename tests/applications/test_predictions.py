"""From images to names: `preprocess_input` and `decode_predictions`."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from harness import randomize, to_numpy

from keras_pnnh.applications import (
    PlainResNet,
    decode_predictions,
    preprocess_input,
)
from keras_pnnh.weights.labels import CIFAR10_LABELS, imagenet_classes


def test_the_classes_of_imagenet():
    classes = imagenet_classes()
    assert len(classes) == 1000
    ids = [identity for identity, _ in classes]
    # Every published classifier orders them by id.
    assert ids == sorted(set(ids))
    assert all(len(i) == 9 and i[0] == "n" and i[1:].isdigit() for i in ids)
    assert classes[0] == ("n01440764", "tench")
    assert classes[282] == ("n02123159", "tiger_cat")
    assert classes[999] == ("n15075141", "toilet_tissue")
    assert len({name for _, name in classes}) == 998


def test_the_order_is_that_of_the_data_set():
    found = importlib.util.find_spec("tensorflow_datasets")
    if found is None:
        pytest.skip("needs tensorflow-datasets")
    path = Path(found.origin).parent / "datasets/imagenet2012/labels.txt"
    ids = [identity for identity, _ in imagenet_classes()]
    assert path.read_text().split() == ids


def test_the_best_classes_come_first():
    scores = np.zeros((2, 1000), "float32")
    scores[0, [3, 1, 7]] = 0.2, 0.5, 0.3
    scores[1, 999] = 1.0
    first, second = decode_predictions(scores, top=3)
    assert [p.id for p in first] == ["n01443537", "n01514668", "n01491361"]
    assert [p.label for p in first] == ["goldfish", "cock", "tiger_shark"]
    assert [p.score for p in first] == pytest.approx([0.5, 0.3, 0.2])
    assert second[0] == ("n15075141", "toilet_tissue", 1.0)
    assert [p.id for p in second[1:]] == ["n01440764", "n01443537"]
    assert len(decode_predictions(scores)[0]) == 5


def test_other_classes():
    scores = keras.ops.convert_to_tensor(np.eye(10, dtype="float32")[[2]])
    ((best, *_),) = decode_predictions(scores, labels="cifar10")
    assert best == (2, "bird", 1.0)
    ((best, other),) = decode_predictions([[0.1, 0.9]], labels=["ant", "bee"])
    assert best == (1, "bee", pytest.approx(0.9))
    assert other.label == "ant"
    assert len(CIFAR10_LABELS) == 10


@pytest.mark.parametrize(
    ("shape", "kwargs", "rule", "received"),
    [
        ((1000,), {}, "must have the shape (images, classes)", "(1000,)"),
        ((2, 10), {}, "labels='cifar10'", "(2, 10) for 1000 labels"),
        ((2, 3), {"labels": ["a", "b"]}, "as `labels`", "(2, 3) for 2 labels"),
        ((2, 1000), {"labels": "coco"}, "a list of names", "labels='coco'"),
        ((2, 1000), {"top": 0}, "a positive integer", "top=0"),
        ((2, 1000), {"top": 1.5}, "a positive integer", "top=1.5"),
    ],
)
def test_what_cannot_be_decoded(shape, kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        decode_predictions(np.zeros(shape), **kwargs)
    assert rule in str(error.value)
    assert received in str(error.value).split("Received: ")[1]


def test_models_need_no_preprocessing(images):
    assert preprocess_input(images) is images


@pytest.mark.every_backend
@pytest.mark.parametrize("preprocessing", ["symmetric", "imagenet"])
def test_it_does_what_the_model_would_do(images, preprocessing):
    kwargs = {"input_shape": (8, 8, 3)}
    model = PlainResNet((1,), (4,), preprocessing=preprocessing, **kwargs)
    randomize(model, seed=1)
    bare = PlainResNet((1,), (4,), preprocessing="none", **kwargs)
    bare.set_weights(model.get_weights())
    before = images.copy()
    prepared = preprocess_input(images, preprocessing=preprocessing)
    np.testing.assert_array_equal(images, before)
    assert isinstance(prepared, np.ndarray) and prepared.dtype == "float32"
    np.testing.assert_allclose(
        to_numpy(bare(prepared)), to_numpy(model(images)), rtol=1e-4, atol=1e-6
    )


@pytest.mark.every_backend
def test_kinds_of_images():
    pixels = np.full((2, 4, 5, 3), 255, "uint8")
    ones = preprocess_input(pixels, preprocessing="symmetric")
    np.testing.assert_allclose(ones, 1, atol=1e-6)
    single = preprocess_input(pixels[0], preprocessing="symmetric")
    np.testing.assert_allclose(single, ones[0])
    tensor = keras.ops.convert_to_tensor(pixels)
    again = preprocess_input(tensor, preprocessing="symmetric")
    assert keras.ops.is_tensor(again)
    np.testing.assert_allclose(to_numpy(again), ones)
    first = preprocess_input(
        np.moveaxis(pixels, -1, 1), "channels_first", preprocessing="imagenet"
    )
    expected = (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(first[0, :, 0, 0], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "kwargs", "rule", "received"),
    [
        ((8, 8), {}, "must have 4 axes", "shape (8, 8)"),
        ((2, 8, 8, 1), {}, "defined for RGB", "(8, 8, 1) with 1 channel"),
        (
            (2, 8, 8, 3),
            {"preprocessing": "caffe"},
            "('symmetric', 'imagenet', 'none')",
            "preprocessing='caffe'",
        ),
        (
            (2, 8, 8, 3),
            {"data_format": "NHWC"},
            "`data_format` must be",
            "data_format='NHWC'",
        ),
    ],
)
def test_what_cannot_be_prepared(shape, kwargs, rule, received):
    kwargs = {"preprocessing": "imagenet", **kwargs}
    with pytest.raises(ValueError) as error:
        preprocess_input(np.zeros(shape), **kwargs)
    assert rule in str(error.value)
    assert received in str(error.value).split("Received: ")[1]
