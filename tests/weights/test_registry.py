"""The table of checkpoints, and `weights="cifar10"`."""

import hashlib
import json
import pathlib
import re
import warnings

import numpy as np
import pytest
from harness import randomize, to_numpy

import keras_pnnh
from keras_pnnh import save_weights
from keras_pnnh.applications import PlainResNet20, PlainResNet32, list_models
from keras_pnnh.applications._checks import PREPROCESSINGS
from keras_pnnh.weights import references, registry
from keras_pnnh.weights.labels import CIFAR10_LABELS
from keras_pnnh.weights.state_dicts import MATCHES

FILENAME = "plain_resnet20.cifar10.weights.h5"


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A random model published as `plain_resnet20.cifar10`."""
    model = PlainResNet20(input_shape=(8, 8, 3))
    randomize(model, seed=1)
    path = tmp_path / FILENAME
    save_weights(model, path)
    publish(path, monkeypatch)
    return model, path


def publish(path, monkeypatch):
    name = "plain_resnet20.cifar10"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = registry.WEIGHTS[name]._replace(sha256=digest)
    monkeypatch.setattr(registry, "BUNDLED", path.parent)
    monkeypatch.setattr(registry, "WEIGHTS", {name: entry})


@pytest.mark.parametrize("name", sorted(registry.WEIGHTS))
def test_rows_are_complete(name):
    entry = registry.WEIGHTS[name]
    variant, tag = name.split(".")
    assert variant in list_models()
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
    named = len(set(entry.labels)) == entry.classes
    assert named or (entry.classes, entry.data) == (1000, "ImageNet-1k")
    assert entry.license == "Apache-2.0"
    assert entry.data
    assert entry.limits.endswith(".")
    assert entry.preprocessing in PREPROCESSINGS
    assert entry.internal_path in ("coder", "pass_through")
    assert references.find_entry(variant, tag) == (name, entry)
    assert references.find_entry(None, name) == (name, entry)
    check = _check_bundled if entry.repo_id is None else _check_on_the_hub
    check(name, entry)


def _check_bundled(name, entry):
    assert name in registry.list_bundled()
    assert entry.filename == f"{name}.weights.h5"
    assert len(entry.labels) == entry.classes
    assert entry.revision is entry.state_dict is None
    repository = pathlib.Path(keras_pnnh.__file__).parents[1]
    assert (repository / entry.card).is_file()
    (metric,) = entry.metrics
    record = json.loads((repository / metric.source).read_text())["test"]
    assert metric.value == pytest.approx(100 * record["accuracy"], abs=1e-9)
    assert metric.data.startswith(f"{record['images']:,} test images")


def _check_on_the_hub(name, entry):
    assert name not in registry.list_bundled()
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repo_id)
    assert re.fullmatch("[0-9a-f]{40}", entry.revision)
    assert entry.size is None or entry.size > 0
    assert entry.card == f"https://huggingface.co/{entry.repo_id}"
    assert entry.state_dict is None or entry.state_dict in MATCHES
    assert entry.metrics
    for metric in entry.metrics:
        assert 0 < metric.value <= 100
        assert metric.source.startswith("https://")


def test_no_two_rows_share_a_file():
    entries = registry.WEIGHTS.values()
    assert len({entry.sha256 for entry in entries}) == len(entries)


@pytest.mark.every_backend
def test_the_bundled_file_loads():
    """The real one, offline."""
    model = PlainResNet20(weights="cifar10")
    entry = registry.WEIGHTS["plain_resnet20.cifar10"]
    content = (registry.BUNDLED / entry.filename).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    head = model.get_layer("head")
    assert np.abs(to_numpy(head.bias)).max() > 0  # trained
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    outputs = to_numpy(model(images.astype("float32")))
    np.testing.assert_allclose(outputs.sum(-1), 1, rtol=1e-5)


def test_names_are_sorted():
    names = keras_pnnh.list_weights()
    assert names == sorted(registry.WEIGHTS)
    assert "plain_resnet20.cifar10" in names


def test_labels_are_those_of_cifar10():
    assert CIFAR10_LABELS[0] == "airplane"
    assert CIFAR10_LABELS[3] == "cat"
    assert CIFAR10_LABELS[9] == "truck"


@pytest.mark.every_backend
def test_published_weights_load(published, images):
    model, _ = published
    copy = PlainResNet20(weights="cifar10", input_shape=(8, 8, 3))
    np.testing.assert_array_equal(
        to_numpy(copy(images)), to_numpy(model(images))
    )


def test_published_weights_load_without_the_top(published):
    model, _ = published
    backbone = PlainResNet20(
        include_top=False, weights="cifar10", pooling="avg"
    )
    for layer in backbone.layers:
        source = model.get_layer(layer.name).get_weights()
        for mine, theirs in zip(layer.get_weights(), source, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_other_classes_get_a_new_head_and_a_warning(published, images):
    model, _ = published
    # Not `pytest.warns`: it raises again what Keras warns of on torch.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        copy = PlainResNet20(
            weights="cifar10", classes=3, input_shape=(8, 8, 3)
        )
    ours = [item for item in caught if item.category is UserWarning]
    assert len(ours) == 1
    assert ours[0].filename == __file__  # the line to change
    message = str(ours[0].message)
    assert "has 10 classes, `classes=3` were asked for" in message
    assert "'head' is new and random" in message
    for layer in copy.layers:
        if layer.name == "head":
            continue
        source = model.get_layer(layer.name).get_weights()
        for mine, theirs in zip(layer.get_weights(), source, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert tuple(copy(images).shape) == (4, 3)


def test_another_internal_path_is_refused(published):
    rule = (
        "only fit the architecture.*internal_path: file 'coder', model 'none'"
    )
    with pytest.raises(ValueError, match=rule):
        PlainResNet20(weights="cifar10", internal_path="none")


def test_another_variant_is_refused(published):
    rule = "Received: weights='cifar10'; plain_resnet32 has none"
    with pytest.raises(ValueError, match=rule):
        PlainResNet32(weights="cifar10")


@pytest.mark.parametrize("size", ["same", "shorter"])
def test_damaged_files_are_refused(published, size):
    _, path = published
    content = bytearray(path.read_bytes())
    if size == "same":
        content[len(content) // 2] ^= 1
    else:
        del content[-100:]
    path.write_bytes(content)
    rule = f"must have the SHA-256.*Received: '{path}' with.*expected"
    for include_top in (True, False):
        with pytest.raises(ValueError, match=rule):
            PlainResNet20(include_top, "cifar10")
    with pytest.raises(ValueError, match=rule):
        PlainResNet20(weights="cifar10", classes=3)


def test_garbage_of_the_right_size_is_refused(published):
    _, path = published
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ValueError, match="must have the SHA-256"):
        PlainResNet20(weights="cifar10")


def test_an_incomplete_installation_is_reported(published):
    _, path = published
    path.unlink()
    with pytest.raises(FileNotFoundError, match="Received: weigh.*not exist"):
        PlainResNet20(weights="cifar10")
