"""`weights="imagenet"`: published residual networks, from the local Hub."""

import re
import warnings

import numpy as np
import published
import pytest
from harness import to_numpy
from hub_repository import sha256
from hub_server import HubServer
from safetensors.numpy import save

from keras_pnnh.applications import PlainResNet, PlainResNet18
from keras_pnnh.weights import find_classifier, registry
from keras_pnnh.weights.state_dicts import match_resnet
from keras_pnnh.weights.state_dicts.assignment import (
    assign,
    match_batch_norm,
)
from keras_pnnh.weights.state_dicts.safetensors_file import read

KEY = "plain_resnet18.imagenet"
TWIN = {"weights": "imagenet", "internal_path": "residual"}
SMALL = {**TWIN, "input_shape": (64, 64, 3), "classifier_activation": None}


@pytest.fixture(scope="module")
def state():
    return published.random_state_dict("resnet18")


@pytest.fixture(scope="module")
def server(state):
    content = save(state)
    entry = registry.WEIGHTS[KEY]
    with HubServer() as server:
        files = {"model.safetensors": content, "config.json": b"{}"}
        revision = server.add(entry.repo_id, files)
        server.entry = entry._replace(
            sha256=sha256(content), size=len(content), revision=revision
        )
        yield server


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def resnet18(server, cache_folder, monkeypatch):
    """The local Hub in place of the real one, and its digests."""
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    monkeypatch.setenv("HF_HUB_CACHE", str(cache_folder))
    monkeypatch.setitem(registry.WEIGHTS, KEY, server.entry)
    server.requests.clear()
    return server


def test_a_second_call_makes_no_request(resnet18, state):
    PlainResNet18(include_top=False, **TWIN)
    before = resnet18.count()
    backbone = PlainResNet18(include_top=False, **TWIN)
    assert resnet18.count() == before
    kernel = backbone.get_layer("stage4_block2_conv2").get_weights()[0]
    expected = state["layer4.1.conv2.weight"]
    np.testing.assert_array_equal(kernel, expected.transpose(2, 3, 1, 0))


def test_other_classes_get_a_new_head(resnet18):
    # Not `pytest.warns`: it raises again what Keras warns of on torch.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PlainResNet18(classes=3, **SMALL)
    (ours,) = [item for item in caught if item.category is UserWarning]
    assert "has 1000 classes, `classes=3`" in str(ours.message)
    assert ours.filename == __file__
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        {"internal_path": "none"},
        {"internal_path": "coder"},
    ],
)
def test_only_twin_and_converted_chain_fit(resnet18, arguments):
    rule = "are those of a residual network.*Received: internal_path="
    with pytest.raises(ValueError, match=rule):
        PlainResNet18(weights="imagenet", **arguments)
    assert resnet18.count() == 0


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        ({}, "blocks_per_stage: file [2, 2, 2, 2], model [1, 1, 1, 1]"),
        (
            {"stem": "3x3", "preprocessing": "symmetric"},
            "preprocessing: file 'imagenet', model 'symmetric'; stem:",
        ),
    ],
)
def test_other_networks_are_refused_before_the_download(
    resnet18, tmp_path, arguments, difference
):
    numbers = {"blocks_per_stage": (1,) * 4, "filters_per_stage": (4,) * 4}
    arguments = {**SMALL, **numbers, **arguments, "cache_dir": tmp_path}
    with pytest.raises(ValueError, match=re.escape(difference)) as error:
        PlainResNet18(**arguments)
    assert "Received: 'plain_resnet18.imagenet'" in str(error.value)
    assert resnet18.count() == 0


def test_the_pin_is_the_pin(resnet18):
    with pytest.raises(ValueError, match="pinned to a commit.*revision='main'"):
        PlainResNet18(**SMALL, revision="main")


def test_offline_with_an_empty_cache(resnet18, tmp_path):
    with pytest.raises(FileNotFoundError, match="resolve/.*/model.safetensors"):
        PlainResNet18(**SMALL, cache_dir=tmp_path, local_files_only=True)


def test_classes_have_names():
    classifier = find_classifier("plain_resnet50", "imagenet")
    assert classifier.labels[0] == "tench"
    assert len(classifier.labels) == 1000
    assert classifier.image_size == (224, 224)


TINY = {
    "blocks_per_stage": (1, 1),
    "filters_per_stage": (4, 8),
    "input_shape": (32, 32, 3),
    "internal_path": "residual",
    "stem": "7x7_pool",
}


@pytest.fixture
def tiny():
    """A tiny network and a state dictionary that fits."""
    model = PlainResNet(**TINY)
    generator = np.random.default_rng(0)
    matches, _ = match_resnet(model)
    state = {}
    for match in matches:
        shape = tuple(match.variable.shape)
        if match.axes is not None:
            shape = tuple(
                shape[match.axes.index(axis)] for axis in range(len(shape))
            )
        state[match.name] = generator.uniform(0, 1, shape).astype("float32")
    return model, matches, state


def test_names_are_the_published_ones(tiny):
    _, matches, _ = tiny
    names = {match.name.rsplit(".", 1)[0] for match in matches}
    assert names == {
        *("conv1", "bn1", "fc"),
        *("layer1.0.conv1", "layer1.0.bn1", "layer1.0.conv2", "layer1.0.bn2"),
        *("layer2.0.conv1", "layer2.0.bn1", "layer2.0.conv2", "layer2.0.bn2"),
        *("layer2.0.downsample.0", "layer2.0.downsample.1"),
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"bn1.bias": None}, "'bn1.bias' is missing"),
        ({"extra.weight": np.zeros(3)}, "'extra.weight' is left over"),
        ({"bn1.bias": np.zeros(5)}, "'bn1.bias' has shape (5,) for (4,)"),
        ({"fc.bias": np.zeros((2, 5))}, "'fc.bias' has shape (2, 5) for (10,)"),
    ],
)
def test_the_audit(tiny, change, problem):
    model, matches, state = tiny
    state = {**state, **change}
    state = {key: state[key] for key in state if state[key] is not None}
    before = model.get_weights()
    with pytest.raises(ValueError, match=re.escape(problem)) as error:
        assign(model, state, matches, "some file")
    assert "Received: 'some file' for model" in str(error.value)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_audit_counts_variables(tiny):
    model, matches, state = tiny
    for wrong, times in ((matches[1:], 0), ([*matches, matches[0]], 2)):
        with pytest.raises(ValueError, match=f"kernel' gets {times} tensors"):
            assign(model, state, wrong, "some file")


def test_counters_of_batches_mean_nothing(tiny):
    model, matches, state = tiny
    counter = {"bn1.num_batches_tracked": np.array(3)}
    assign(model, {**state, **counter}, matches, "some file")
    np.testing.assert_array_equal(
        to_numpy(model.get_layer("head").kernel), state["fc.weight"].T
    )


def test_another_epsilon_is_refused(tiny):
    norm = tiny[0].get_layer("stem_conv").batch_norm
    with pytest.raises(ValueError, match="with epsilon 0.001 for layer"):
        match_batch_norm("bn1", norm, 1e-3)


@pytest.mark.parametrize("content", [b"", b"no tensors", bytes(100)])
def test_damaged_files(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"Received: '{path}'.*Fetch it"):
        read(path)
