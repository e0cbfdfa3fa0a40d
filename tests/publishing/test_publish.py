"""`keras-pnnh push` and `verify`, and who can read what they publish."""

import argparse
import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from harness import randomize, to_numpy
from huggingface_hub import HfApi, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

from keras_pnnh import from_weights, save_weights
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet20,
    PlainViTTiny16,
)
from keras_pnnh.cli import networks
from keras_pnnh.cli.main import main
from keras_pnnh.data import LabelledImages
from keras_pnnh.publishing.publish import push
from keras_pnnh.publishing.verify import verify_repository
from keras_pnnh.training import evaluate, save_run
from keras_pnnh.weights import Classifier, digest, find_classifier

ROOT = Path(__file__).parents[2]
REFERENCE = "hf://owner/mine"
SMALL = {
    "blocks_per_stage": (1, 1),
    "filters_per_stage": (4, 8),
    "input_shape": (8, 8, 3),
    "classes": 3,
}
LABELS = ("ant", "bee", "cat")


def write_run(folder, **changes):
    return write_run_of(folder, PlainResNet20, **{**SMALL, **changes})


def write_run_of(folder, constructor, **arguments):
    """The folder of a finished run, of which this library wrote the record."""
    path = ROOT / "weights" / "plain_resnet20.cifar10" / "record.json"
    record = json.loads(path.read_text())
    model = constructor(**arguments, classifier_activation=None)
    randomize(model, seed=1)
    folder.mkdir()
    labels = (*LABELS, "dog")[: arguments["classes"]]
    classifier = Classifier(labels, arguments["input_shape"][:2])
    save_weights(model, folder / "model.weights.h5", classifier)
    record["model"] = {
        "class_name": type(model).__name__,
        "parameters": model.count_params(),
        **model.get_config(),
    }
    found = digest.of_file(folder / "model.weights.h5")
    record["test"]["weights_sha256"] = found
    (folder / "record.json").write_text(json.dumps(record))
    return model


def change_record(folder, **changes):
    path = folder / "record.json"
    record = {**json.loads(path.read_text()), **changes}
    record = {key: record[key] for key in record if record[key] is not None}
    path.write_text(json.dumps(record))


@pytest.fixture
def run(tmp_path):
    write_run(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def signed_in(hub, cache, monkeypatch):
    """A Hub and the token of somebody who may write there."""
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", False
    )
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    return hub


def published_files(hub):
    return hub.repositories["owner/mine"].resolve("main").files


def test_push_and_verify(signed_in, run, capsys):
    assert main(["push", "--run", str(run), REFERENCE]) == 0
    url, tag, commit = capsys.readouterr().out.split()
    assert (url, tag) == (f"{signed_in.endpoint}/owner/mine", "v1")
    assert signed_in.repositories["owner/mine"].tags == {"v1": commit}
    assert set(published_files(signed_in)) == {
        *("README.md", "record.json", "selftest.npz"),
        *("config.json", "metadata.json", "model.weights.h5"),
        *("task.json", "task.weights.h5"),
        *("preprocessor.json", "image_converter.json"),
    }
    assert main(["verify", f"{REFERENCE}@v1"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 11
    line = f"{REFERENCE}@v1 at {commit}: largest difference of the logits "
    assert float(printed.partition(line)[2]) < 1e-6
    # The next version.
    assert push(run, REFERENCE).tag == "v2"
    assert push(run, REFERENCE, tag="2026-11").tag == "2026-11"
    assert push(run, REFERENCE).tag == "v3"
    with pytest.raises(ValueError, match="must be new. Received: tag='v1'"):
        push(run, REFERENCE, tag="v1")


def test_we_load_what_was_pushed(signed_in, run):
    push(run, REFERENCE)
    model = PlainResNet20(weights=f"{REFERENCE}@v1", **SMALL)
    expected = PlainResNet20(weights=run / "model.weights.h5", **SMALL)
    for ours, theirs in zip(
        model.get_weights(), expected.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    content = published_files(signed_in)["selftest.npz"]
    with np.load(io.BytesIO(content)) as test:
        images, logits = test["images"], test["logits"]
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(
        to_numpy(model(images.astype("float32"))),
        exponentials / exponentials.sum(-1, keepdims=True),
        rtol=1e-4,
        atol=1e-6,
    )


def test_what_fit_trained_is_evaluated_and_published(signed_in, tmp_path):
    model = PlainResNet20(**SMALL)
    model.compile("sgd", "sparse_categorical_crossentropy")
    images, labels = np.full((3, 8, 8, 3), 90, "uint8"), np.arange(3)
    model.fit(images, labels, verbose=0)
    save_run(model, tmp_path / "run", LABELS, "made up", training_images=3)
    with pytest.raises(ValueError, match="Evaluate the run first"):
        push(tmp_path / "run", REFERENCE)
    test = LabelledImages(images + np.uint8(1), labels, LABELS)
    evaluate(model, test, run=tmp_path / "run")
    push(tmp_path / "run", REFERENCE)
    card = published_files(signed_in)["README.md"].decode()
    assert "no seed" in card and "not measured, on" in card
    found = find_classifier(None, REFERENCE)
    assert found == Classifier(LABELS, (8, 8))


LOAD = """
import sys
import numpy as np
import keras
import keras_pnnh
{load}
with np.load(sys.argv[1]) as test:
    images, logits = test["images"].astype("float32"), test["logits"]
outputs = keras.ops.convert_to_numpy(model(images))
expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)
"""


def load_in_a_process(hub, run, tmp_path, load):
    """The client reads the address of the Hub when it is imported."""
    test = tmp_path / "selftest.npz"
    test.write_bytes(published_files(hub)["selftest.npz"])
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "home"),
    }
    result = subprocess.run(
        [sys.executable, "-c", LOAD.format(load=load), str(test)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_keras_loads_what_was_pushed(signed_in, run, tmp_path):
    push(run, REFERENCE)
    load = f"model = keras.saving.load_model('{REFERENCE}')"
    load_in_a_process(signed_in, run, tmp_path, load)


@pytest.mark.slow
@pytest.mark.torch_only
@pytest.mark.skipif(
    importlib.util.find_spec("keras_hub") is None,
    reason="needs the extra `hub`",
)
def test_keras_hub_loads_what_was_pushed(signed_in, run, tmp_path):
    push(run, REFERENCE)
    load = (
        "import keras_hub\n"
        f"model = keras_hub.models.ImageClassifier.from_preset('{REFERENCE}')\n"
        "assert model.preprocessor.image_size == (8, 8)"
    )
    load_in_a_process(signed_in, run, tmp_path, load)


def test_the_card(signed_in, run, tmp_path):
    write_run(tmp_path / "twin", internal_path="residual")
    test = {"images": 5000, "loss": 0.5, "accuracy": 0.8712}
    change_record(tmp_path / "twin", test=test)
    push(run, REFERENCE, twin=tmp_path / "twin", limits="Ants only.")
    card = tmp_path / "README.md"
    card.write_bytes(published_files(signed_in)["README.md"])
    text = card.read_text()
    record = json.loads((run / "record.json").read_text())
    for part in (
        "ant, bee, cat",
        f"{100 * record['test']['accuracy']:.2f} % top-1",
        "87.12 % on the same 5000 images",
        "Ants only.",
        "@misc{zhang2024peeking",
        'from_weights("hf://owner/mine@v1")',
        f'load_model("{REFERENCE}")',
        f'from_preset("{REFERENCE}")',
        f"epochs {record['recipe']['epochs']}",
        record["hardware"]["processor"],
    ):
        assert part in text
    metadata = metadata_load(card)
    assert metadata["license"] == "apache-2.0"
    assert metadata["pipeline_tag"] == "image-classification"
    _, results = model_index_to_eval_results(metadata["model-index"])
    values = {result.metric_type: result.metric_value for result in results}
    assert values["accuracy"] == record["test"]["accuracy"]
    assert results[0].dataset_name == "cifar10"
    assert results[0].task_type == "image-classification"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("constructor", "arguments"),
    [
        (PlainResNet20, {"internal_path": "none", "norm": "kernel"}),
        (PlainResNet20, {"filters_per_stage": (3, 5, 7)}),
        (PlainResNet20, {"code_placement": "concat", "code_ratio": 0.5}),
        (
            PlainViTTiny16,
            {"patch_size": 2, "num_layers": 2, "hidden_dim": 12, "mlp_dim": 24},
        ),
        (PlainMobileNetV2, {"alpha": 0.35, "classes": 4}),
    ],
)
def test_the_cards_snippet_loads_every_network(
    signed_in, tmp_path, images, constructor, arguments
):
    size = 32 if constructor is PlainMobileNetV2 else 8
    arguments = {"classes": 3, "input_shape": (size, size, 3), **arguments}
    trained = write_run_of(tmp_path / "run", constructor, **arguments)
    push(tmp_path / "run", REFERENCE)
    text = published_files(signed_in)["README.md"].decode()
    assert "- **Residual twin:** not recorded." in text
    snippet = text.split("```python\n")[1].split("```")[0]
    names = {}
    exec(snippet, names)  # noqa: S102
    pictures = np.random.default_rng(3).uniform(0, 255, (2, size, size, 3))
    np.testing.assert_allclose(
        names["model"].predict(pictures, verbose=0),
        keras.ops.softmax(trained.predict(pictures, verbose=0)),
        atol=1e-5,
    )
    assert names["model"].name == trained.name


def test_a_converted_network_is_published(signed_in, tmp_path, images):
    asked = {"internal_path": "pass_through", "preprocessing": "imagenet"}
    trained = write_run(tmp_path / "run", **asked)
    push(tmp_path / "run", REFERENCE)
    text = published_files(signed_in)["README.md"].decode()
    assert "carried by\npass-through channels" in text
    copy = from_weights(REFERENCE, classifier_activation=None)
    np.testing.assert_array_equal(
        to_numpy(copy(images)), to_numpy(trained(images))
    )


def test_the_command_takes_the_network_from_the_repository(signed_in, run):
    push(run, REFERENCE)
    asked = argparse.Namespace(model=None, path=None, set=[], weights=REFERENCE)
    model, classifier = networks.open_trained(asked)
    local, _ = networks.open_trained(
        argparse.Namespace(model=None, path=None, set=[], weights=str(run))
    )
    images = np.random.default_rng(0).uniform(
        0, 255, (2, *model.input_shape[1:])
    )
    np.testing.assert_array_equal(
        model.predict(images, verbose=0), local.predict(images, verbose=0)
    )
    assert len(classifier.labels) == model.output_shape[1]


def test_nothing_is_published_without_a_record(signed_in, run, capsys):
    change_record(run, test=None)
    with pytest.raises(ValueError, match="Evaluate the run first"):
        push(run, REFERENCE)
    (run / "record.json").unlink()
    with pytest.raises(FileNotFoundError, match="has no 'record.json'"):
        push(run, REFERENCE)
    assert main(["push", "--run", str(run), REFERENCE]) == 1
    assert capsys.readouterr().err.startswith("error: Only a finished run")
    assert signed_in.repositories == {}


def change_test(run, **changes):
    record = json.loads((run / "record.json").read_text())
    change_record(run, test={**record["test"], **changes})


def test_weights_that_were_replaced_are_not_published(signed_in, run, tmp_path):
    write_run(tmp_path / "other", norm="kernel")
    other = tmp_path / "other" / "model.weights.h5"
    (run / "model.weights.h5").write_bytes(other.read_bytes())
    with pytest.raises(ValueError, match="the weights that were evaluated"):
        push(run, REFERENCE)
    assert not signed_in.repositories


def test_a_record_of_before_is_evaluated_again(signed_in, run):
    record = json.loads((run / "record.json").read_text())
    del record["test"]["weights_sha256"]
    change_record(run, test=record["test"])
    with pytest.raises(ValueError, match="says nothing of them. Evaluate"):
        push(run, REFERENCE)


@pytest.mark.parametrize("accuracy", [float("nan"), -0.1, 1.5, "0.9", None])
def test_an_accuracy_is_one(signed_in, run, accuracy):
    change_test(run, accuracy=accuracy)
    with pytest.raises(ValueError, match="An accuracy is a number from 0 to 1"):
        push(run, REFERENCE)
    assert not signed_in.repositories


def test_weights_that_are_no_numbers_are_not_published(signed_in, run):
    path = run / "model.weights.h5"
    with h5py.File(path, "r+") as file:
        kernels = []
        file.visititems(
            lambda name, item: (
                kernels.append(item) if getattr(item, "ndim", 0) == 4 else None
            )
        )
        kernels[0][0] = np.nan
    change_test(run, weights_sha256=digest.of_file(path))
    with pytest.raises(ValueError, match="finite numbers"):
        push(run, REFERENCE)
    assert not signed_in.repositories


def test_a_run_without_validation_is_published(signed_in, run):
    record = json.loads((run / "record.json").read_text())
    epochs = [
        {key: each[key] for key in each if not key.startswith("val_")}
        for each in record["epochs"]
    ]
    change_record(run, epochs=epochs)
    push(run, REFERENCE)
    card = published_files(signed_in)["README.md"].decode()
    assert "no validation" in card


@pytest.mark.parametrize(
    "tag", ["main", "v 1", "../x", "a/../b", "-v", "", 10 * "cafe", "v1\n", "é"]
)
def test_a_tag_can_be_named(signed_in, run, tag):
    with pytest.raises(ValueError, match="A version is named by letters"):
        push(run, REFERENCE, tag=tag)
    assert not signed_in.repositories


def test_the_twin_must_be_one(signed_in, run, tmp_path):
    with pytest.raises(ValueError, match="twin is a residual.*'coder' on cif"):
        push(run, REFERENCE, twin=run)
    write_run(tmp_path / "twin", internal_path="residual")
    change_record(tmp_path / "twin", data={"source": "other"})
    with pytest.raises(ValueError, match="on other. Train it"):
        push(run, REFERENCE, twin=tmp_path / "twin")


def test_a_version_is_a_tag(signed_in, run):
    with pytest.raises(ValueError, match="Received: 'hf://owner/mine@v1'"):
        push(run, f"{REFERENCE}@v1")


@pytest.mark.parametrize(
    ("token", "kind", "rule"),
    [
        ("hf_wrong", None, "does not accept the token"),
        (False, None, "does not accept the token"),
        ("hf_owner", "forbidden", "denies access to 'owner/mine'"),
    ],
)
def test_writing_needs_the_right(hub, cache, run, token, kind, rule):
    if kind:
        hub.inject(kind, times=9)
    with pytest.raises(PermissionError, match=rule):
        push(run, REFERENCE, token=token)


def test_a_failed_upload_is_explained(signed_in, run, short_waits):
    signed_in.inject("500", times=99, method="PUT")
    with pytest.raises(ConnectionError, match="fault of its own"):
        push(run, REFERENCE)


def test_verify_finds_damage(signed_in, run):
    push(run, REFERENCE)
    verify_repository(REFERENCE)
    content = published_files(signed_in)["selftest.npz"]
    with np.load(io.BytesIO(content)) as test:
        arrays = {"images": test["images"], "logits": 1.1 * test["logits"]}
    other = io.BytesIO()
    np.savez(other, **arrays)
    signed_in.add("owner/mine", {"selftest.npz": other.getvalue()})
    with pytest.raises(ValueError, match="a difference of 0.09"):
        verify_repository(REFERENCE)
    signed_in.add("owner/mine", {"selftest.npz": None})
    assert verify_repository(REFERENCE).difference is None
    signed_in.add("owner/mine", {"config.json": None})
    with pytest.raises(ValueError, match="holds 'config.json'"):
        verify_repository(REFERENCE)


def test_verify_looks_at_the_files_now(signed_in, run, cache):
    """Damage that keeps size and time is seen, and mended."""
    push(run, REFERENCE)
    verify_repository(REFERENCE)
    (path,) = cache.glob("*/snapshots/*/model.weights.h5")
    real, status = path.resolve(), path.stat()
    content = bytearray(real.read_bytes())
    content[-1] ^= 1
    real.write_bytes(content)
    os.utime(real, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = signed_in.count("GET", "/objects/*")
    verify_repository(REFERENCE)
    assert signed_in.count("GET", "/objects/*") == before + 1
    assert path.read_bytes() != content


def test_verify_a_folder_of_the_users_own(
    signed_in, run, tmp_path, monkeypatch
):
    push(run, REFERENCE)
    folder = tmp_path / "mine" / "owner" / "mine"
    folder.mkdir(parents=True)
    for name, content in published_files(signed_in).items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("KERAS_PNNH_WEIGHTS_DIR", str(tmp_path / "mine"))
    before = signed_in.count()
    assert verify_repository(REFERENCE).difference == 0
    assert signed_in.count() == before


def test_verify_a_bundled_file(capsys):
    assert main(["verify", "plain_resnet20.cifar10"]) == 0
    assert "plain_resnet20.cifar10: complete" in capsys.readouterr().out
    assert main(["verify", "plain_resnet20.absent"]) == 1


def test_private_repositories(signed_in, run):
    push(run, REFERENCE, private=True)
    assert signed_in.repositories["owner/mine"].access == "private"
    info = HfApi(signed_in.endpoint, token="hf_owner").model_info("owner/mine")
    assert info.private


@pytest.mark.parametrize("token", ["hf_secret\n", "hf_se cret", ""])
def test_a_token_that_cannot_be_sent_is_not_shown(hub, cache, run, token):
    with pytest.raises(ValueError, match="one word of printable") as error:
        push(run, REFERENCE, token=token)
    assert "cret" not in str(error.value)
    assert hub.count() == 0


@pytest.mark.parametrize("changes", [{"data": {}}, {"epochs": 3}, {"data": 3}])
def test_an_odd_record_leaves_no_repository_behind(signed_in, run, changes):
    change_record(run, **changes)
    with pytest.raises(ValueError, match="from the record of a run"):
        push(run, REFERENCE)
    assert not signed_in.repositories
