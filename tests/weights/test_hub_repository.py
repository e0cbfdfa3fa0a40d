"""`weights="hf://owner/name@revision"` of every application."""

import json
import os
import re
import warnings

import keras
import numpy as np
import pytest
from harness import randomize
from huggingface_hub import HfApi

from keras_pnnh import save_weights
from keras_pnnh.applications import PlainResNet20, create_model
from keras_pnnh.publishing.lineage import describe_weights
from keras_pnnh.weights import Classifier, find_classifier, hub_repository

REFERENCE = "hf://owner/tiny"
NUMBERS = {"blocks_per_stage": (1, 1), "filters_per_stage": (4, 8)}
SMALL = {**NUMBERS, "input_shape": (8, 8, 3), "classes": 3}


def random_model(seed=1, **arguments):
    model = PlainResNet20(**{**SMALL, **arguments})
    randomize(model, seed=seed)
    return model


def files_of(model, folder):
    path = folder / "model.weights.h5"
    labels = ("ant", "bee", "cat")[: model.get_config()["classes"]]
    save_weights(model, path, Classifier(labels, (8, 8)))
    config = keras.saving.serialize_keras_object(model)
    return {
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": path.read_bytes(),
    }


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    return files_of(model, tmp_path_factory.mktemp("model"))


@pytest.fixture
def filled(hub, cache, files):
    hub.commit = hub.add("owner/tiny", files)
    return hub


def assert_same(ours, theirs):
    for mine, other in zip(
        ours.get_weights(), theirs.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.every_backend
def test_constructors_take_references(filled, model):
    copy = PlainResNet20(weights=REFERENCE, **SMALL)
    assert_same(copy, model)
    copy = create_model("plain_resnet20", weights=REFERENCE, **SMALL)
    assert_same(copy, model)
    assert filled.count("GET", "/objects/*") == 1
    # Where the branch points to must be asked each time.
    assert filled.count("GET", "/api/models/owner/tiny/revision/main") == 2


def test_a_commit_in_the_cache_needs_no_request(filled, model):
    reference = f"{REFERENCE}@{filled.commit}"
    PlainResNet20(weights=reference, **SMALL)
    before = filled.count()
    copy = PlainResNet20(weights=reference, **SMALL)
    assert filled.count() == before
    assert_same(copy, model)


@pytest.mark.parametrize("form", ["reference", "argument"])
@pytest.mark.parametrize("kind", ["tag", "branch", "commit"])
def test_revisions(filled, model, tmp_path, form, kind):
    api = HfApi(filled.endpoint, token="hf_owner")
    api.create_tag("owner/tiny", tag="v1.0")
    api.create_branch("owner/tiny", branch="stable")
    filled.add("owner/tiny", files_of(random_model(seed=2), tmp_path))
    revision = {"tag": "v1.0", "branch": "stable", "commit": filled.commit}
    arguments = {"weights": f"{REFERENCE}@{revision[kind]}"}
    if form == "argument":
        arguments = {"weights": REFERENCE, "revision": revision[kind]}
    assert_same(PlainResNet20(**arguments, **SMALL), model)
    newest = PlainResNet20(weights=REFERENCE, **SMALL)
    assert np.abs(newest.get_weights()[0] - model.get_weights()[0]).max() > 0.1


def test_when_the_hub_is_down_a_branch_is_where_it_was(
    filled, model, short_waits
):
    PlainResNet20(weights=REFERENCE, **SMALL)
    for kind in ("500", "429"):
        filled.inject(kind, times=99)
        assert_same(PlainResNet20(weights=REFERENCE, **SMALL), model)
        with pytest.raises(ConnectionError):
            PlainResNet20(weights=REFERENCE, force_download=True, **SMALL)
        filled.heal()
    before = filled.count()
    copy = PlainResNet20(weights=REFERENCE, local_files_only=True, **SMALL)
    assert_same(copy, model)
    assert filled.count() == before


def test_another_architecture_is_refused_before_the_download(filled):
    rule = (
        "only fit the architecture.*Received: 'hf://owner/tiny'.*"
        "internal_path: file 'coder', model 'none'"
    )
    with pytest.raises(ValueError, match=rule):
        PlainResNet20(weights=REFERENCE, internal_path="none", **SMALL)
    with pytest.raises(ValueError, match="blocks_per_stage: file .1, 1."):
        PlainResNet20(weights=REFERENCE)
    assert filled.count("*", "*/resolve/*/model.weights.h5") == 0


def test_the_file_is_compared_with_the_model_too(filled, tmp_path):
    """A config that lies does not help."""
    other = files_of(random_model(internal_path="none"), tmp_path)
    weights = {"model.weights.h5": other["model.weights.h5"]}
    filled.add("owner/tiny", weights)
    with pytest.raises(ValueError, match="internal_path: file 'none'"):
        PlainResNet20(weights=REFERENCE, **SMALL)


def test_backbones_and_other_classes(filled, model):
    arguments = {"weights": REFERENCE, **NUMBERS}
    backbone = PlainResNet20(include_top=False, **arguments)
    # Not `pytest.warns`: it raises again what Keras warns of on torch.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        other = PlainResNet20(classes=5, **arguments)
    (ours,) = [item for item in caught if item.category is UserWarning]
    assert "has 3 classes, `classes=5` were asked for" in str(ours.message)
    assert ours.filename == __file__
    for copy in (backbone, other):
        name = "stage2_block1_conv2"
        kernel = copy.get_layer(name).get_weights()[0]
        expected = model.get_layer(name).get_weights()[0]
        np.testing.assert_array_equal(kernel, expected)


def test_download_options_do_no_harm_without_a_download():
    options = {"token": False, "cache_dir": "nowhere", "revision": "v1"}
    PlainResNet20(**options, **SMALL)
    assert not os.path.exists("nowhere")


def test_wrong_bytes_are_not_loaded(filled, model):
    filled.inject("wrong_bytes", times=2, path="*/model.weights.h5")
    with pytest.raises(ValueError, match="must arrive as it was published"):
        PlainResNet20(weights=REFERENCE, **SMALL)
    filled.inject("wrong_bytes", path="*/config.json")
    assert_same(PlainResNet20(weights=REFERENCE, **SMALL), model)


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"model.weights.h5": b""}, "which has model.weights.h5"),
        ({"config.json": b"{}"}, "no Keras model"),
        ({"config.json": b"["}, "no Keras model"),
        (
            {"config.json": b'{"registered_name": "Functional"}'},
            "describes 'Functional'",
        ),
    ],
)
def test_repositories_of_others(hub, cache, files, rule):
    hub.add("owner/tiny", files)
    with pytest.raises(ValueError, match=rule):
        PlainResNet20(weights=REFERENCE, **SMALL)


@pytest.mark.parametrize(
    ("kind", "error", "rule"),
    [
        ("hidden", FileNotFoundError, "There is no repository 'owner/tiny'"),
        ("gated", PermissionError, "on request only"),
        ("401", PermissionError, "does not accept the token"),
        ("no_revision", FileNotFoundError, "has no revision 'main'"),
        ("429", ConnectionError, "limits how often"),
        ("500", ConnectionError, "fault of its own"),
    ],
)
def test_faults(filled, kind, error, rule, short_waits):
    filled.inject(kind, times=99)
    received = re.escape(f"Received: {filled.endpoint}/owner/tiny/tree/main.")
    with pytest.raises(error, match=f"{rule}.*{received}"):
        PlainResNet20(weights=REFERENCE, **SMALL)


@pytest.mark.parametrize(
    "reference",
    ["hf://tiny", "hf://a/b/c", "hf://", "hf://a/b@", "hf://a b/c", "hf://a/"],
)
def test_other_forms_are_refused(reference):
    with pytest.raises(ValueError, match=f"Received: '{reference}'"):
        PlainResNet20(weights=reference)


def test_two_revisions_are_refused():
    with pytest.raises(ValueError, match="One revision at a time"):
        hub_repository.parse("hf://a/b@v1", "v2")
    assert hub_repository.parse("hf://a/b@v1", "v1").revision == "v1"


def test_a_folder_of_the_users_own(
    hub, cache, files, model, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAS_PNNH_WEIGHTS_DIR", str(tmp_path))
    folder = tmp_path / "owner" / "tiny"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert_same(PlainResNet20(weights=REFERENCE, **SMALL), model)
    (folder / "config.json").unlink()
    assert_same(PlainResNet20(weights=REFERENCE, **SMALL), model)
    assert hub.count() == 0


def test_classes_and_lineage(filled, files):
    assert find_classifier("plain_resnet20", REFERENCE).labels[2] == "cat"
    described = describe_weights("plain_resnet20", REFERENCE)
    digest = filled.repositories["owner/tiny"].resolve("main").files
    assert digest == files
    from hub_repository import sha256

    expected = sha256(files["model.weights.h5"])
    assert described == {"source": REFERENCE, "sha256": expected}
