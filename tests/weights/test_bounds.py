"""Descriptions of networks that nobody should build."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from harness import randomize

from keras_pnnh import from_weights, save_weights
from keras_pnnh.applications import PlainResNet20, PlainViTTiny16
from keras_pnnh.publishing.verify import verify_repository
from keras_pnnh.weights import architecture, bounds, notes

REFERENCE = "hf://owner/mine"
CONFIG = {
    "blocks_per_stage": [3, 3, 3],
    "filters_per_stage": [16, 32, 64],
    "input_shape": [8, 8, 3],
    "classes": 10,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    model = PlainResNet20(input_shape=(8, 8, 3))
    randomize(model, seed=1)
    path = tmp_path_factory.mktemp("bounds") / "model.weights.h5"
    save_weights(model, path)
    return path


def publish(hub, weights, config, **more):
    content = {
        "registered_name": "keras_pnnh>PlainResNet",
        "class_name": "PlainResNet",
        "config": config,
    }
    files = {
        "config.json": json.dumps(content).encode(),
        "model.weights.h5": weights.read_bytes(),
        **more,
    }
    hub.add("owner/mine", files)


@pytest.mark.parametrize(
    "changes",
    [
        {"filters_per_stage": [16, 32, 10**9]},
        {"filters_per_stage": [16000, 32000, 64000]},
        {"blocks_per_stage": [10**5, 3, 3]},
        {"blocks_per_stage": [900, 900, 900]},
        {"classes": 10**8},
        {"input_shape": [10**7, 10**7, 3]},
        {"filters_per_stage": [16] * 5000},
        {"filters_per_stage": [[[[[[16]]]]]]},
        {"name": "a" * 5000},
        {"code_ratio": float("nan")},
        {"learner_ratio": 1e9, "code_placement": "concat"},
        {"filters_per_stage": [16, 32, 20000]},
    ],
)
def test_absurd_networks_are_not_built(hub, cache, weights, changes):
    test = npz(images=IMAGES, logits=LOGITS)
    publish(hub, weights, {**CONFIG, **changes}, **{"selftest.npz": test})
    for look in (from_weights, verify_repository):
        with pytest.raises(ValueError, match="could have been trained"):
            look(REFERENCE)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "3",
        "null",
        '{"registered_name": 3}',
        '{"registered_name": "keras_pnnh>PlainResNet"}',
        '{"registered_name": "keras_pnnh>PlainResNet", "class_name": "A", '
        '"config": {}}',
        '{"registered_name": "keras_pnnh>PlainResNet", "class_name": '
        '"PlainResNet", "config": []}',
        "[" * 100_000,
        " " * (1 << 21),
        "<html></html>",
    ],
)
def test_odd_configs_are_one_sentence(hub, cache, weights, text):
    files = {"config.json": text.encode()}
    files["model.weights.h5"] = weights.read_bytes()
    hub.add("owner/mine", files)
    for look in (from_weights, verify_repository):
        with pytest.raises(ValueError, match="Received: ") as error:
            look(REFERENCE)
        assert "\n" not in str(error.value)


def npz(**arrays):
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


IMAGES = np.zeros((2, 8, 8, 3), "uint8")
LOGITS = np.ones((2, 10), "float32")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        npz(images=IMAGES),
        npz(images=IMAGES, logits=np.full((2, 10), np.nan)),
        npz(images=IMAGES, logits=np.zeros((2, 10))),
        npz(images=IMAGES, logits=np.ones((3, 10))),
        npz(images=IMAGES[:0], logits=np.ones((0, 10))),
        npz(images=IMAGES[0], logits=LOGITS),
        npz(images=IMAGES.astype("float32"), logits=LOGITS),
        npz(images=np.array([{}], object), logits=LOGITS),
    ],
)
def test_odd_self_tests_are_one_sentence(hub, cache, weights, content):
    publish(hub, weights, CONFIG, **{"selftest.npz": content})
    with pytest.raises(ValueError, match="A self-test holds") as error:
        verify_repository(REFERENCE)
    assert "\n" not in str(error.value)


def test_a_self_test_that_unpacks_to_much(hub, cache, weights):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(1 << 27))
    publish(hub, weights, CONFIG, **{"selftest.npz": target.getvalue()})
    with pytest.raises(ValueError, match="it unpacks to 134,217,728 bytes"):
        verify_repository(REFERENCE)


def test_a_weight_file_that_unpacks_to_much(tmp_path):
    path = tmp_path / "bomb.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "a", (1 << 26,), "float32", compression="gzip", fillvalue=0.0
        )
    with pytest.raises(ValueError, match="must not unpack to much more"):
        PlainResNet20(weights=path)


@pytest.mark.parametrize(("depth", "groups"), [(101, 0), (1500, 0), (0, 300)])
def test_a_weight_file_of_endless_groups(depth, groups, tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_OBJECTS", 200)
    path = tmp_path / "deep.weights.h5"
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(depth):
            group = group.create_group("d")
        for number in range(groups):
            file.create_group(str(number))
    with pytest.raises(ValueError, match="groups inside of 100 others"):
        PlainResNet20(weights=path)


def test_a_note_of_an_absurd_network(weights, tmp_path):
    path = tmp_path / "note.weights.h5"
    path.write_bytes(weights.read_bytes())
    for filters in ([16, 32, 10**9], [9000, 20000, 40000]):
        with h5py.File(path, "r+") as file:
            noted = {**architecture.read(file), "filters_per_stage": filters}
            file.attrs[architecture.ATTRIBUTE] = json.dumps(noted)
            notes.seal(file)
        with pytest.raises(ValueError, match="could have been trained"):
            from_weights(path)


def test_real_networks_pass():
    model = PlainViTTiny16(num_layers=1)
    bounds.check_config(model.get_config(), "here")
    size = 2 * model.count_params()
    bounds.check_widths(model.get_config(), size, "here")
    with pytest.raises(ValueError, match="beside weights of 9 bytes"):
        bounds.check_widths({"hidden_dim": 4096}, 9, "here")
    bounds.check_widths({"last_filters": 4096}, 9, "here")


LAMBDA = {"class_name": "Lambda", "module": "keras.layers", "config": {}}
FOREIGN = {"class_name": "system", "module": "os", "config": {}}


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "changes",
    [
        {"input_shape": True},
        {"input_shape": [8, 8]},
        {"input_shape": {"a": 3}},
        {"input_shape": [[8], 8, 3]},
        {"code_placement": {}},
        {"code_placement": ["add"]},
        {"block": LAMBDA},
        {"dtype": FOREIGN},
        {"filters_per_stage": "abc"},
        {"input_tensor": [1]},
        {"weights": "hf://owner/other"},
    ],
)
def test_arguments_of_odd_types_are_one_sentence(hub, cache, weights, changes):
    test = npz(images=IMAGES, logits=LOGITS)
    publish(hub, weights, {**CONFIG, **changes}, **{"selftest.npz": test})
    looks = [verify_repository]
    # A network in another precision is what a caller may ask for.
    looks += [] if "dtype" in changes else [from_weights]
    for look in looks:
        with pytest.raises(ValueError, match="Received: ") as error:
            look(REFERENCE)
        assert "\n" not in str(error.value)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "states",
    [
        {"quantized": {"head": [3, 4]}},
        {"quantized": {"head": ["int8", FOREIGN]}},
        {"quantized": {"head": ["int8", LAMBDA]}},
        {"quantized": ["head"]},
        {"frozen": [3]},
        {"frozen": {"head": 1}},
    ],
)
def test_states_of_layers_are_one_sentence(hub, cache, weights, states):
    test = npz(images=IMAGES, logits=LOGITS)
    publish(hub, weights, {**CONFIG, **states}, **{"selftest.npz": test})
    with pytest.raises(ValueError, match="one that can be built") as error:
        verify_repository(REFERENCE)
    assert "\n" not in str(error.value)


def test_logits_of_another_shape(hub, cache, weights):
    test = npz(images=IMAGES, logits=np.ones((2, 7), "float32"))
    publish(hub, weights, CONFIG, **{"selftest.npz": test})
    with pytest.raises(ValueError, match="must be of its network"):
        verify_repository(REFERENCE)
