"""Weight files: written completely, loaded completely or not at all."""

import contextlib
import json

import h5py
import keras
import numpy as np
import pytest
from harness import (
    INTERNAL_PATHS,
    files_in,
    limited_file_size,
    randomize,
    to_numpy,
)

from keras_pnnh import save_weights
from keras_pnnh.applications import PlainResNet, PlainResNet20
from keras_pnnh.weights import notes
from keras_pnnh.weights.loader import load

TINY = {
    "blocks_per_stage": (1, 1),
    "filters_per_stage": (4, 8),
    "input_shape": (8, 8, 3),
}


def build(random=1, **kwargs):
    model = PlainResNet(**{**TINY, **kwargs})
    randomize(model, seed=random)
    return model


@pytest.fixture
def path(tmp_path):
    """The file of `build()`."""
    path = tmp_path / "model.weights.h5"
    save_weights(build(), path)
    return path


@contextlib.contextmanager
def refused(model, *parts, kind=ValueError):
    """An error that names all parts, and leaves the model untouched."""
    before = model.get_weights()
    with pytest.raises(kind) as error:
        yield
    for part in parts:
        assert part in str(error.value)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.slow_on_jax
@pytest.mark.every_backend
@pytest.mark.parametrize("internal_path", INTERNAL_PATHS)
@pytest.mark.parametrize("compiled", [False, True])
def test_round_trip(internal_path, compiled, tmp_path, images):
    model = build(internal_path=internal_path, coder_training="scaled")
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, np.arange(4), verbose=0)
    path = tmp_path / "new" / "folder" / "model.weights.h5"
    save_weights(model, path)
    assert files_in(path.parent) == [path.name]
    with h5py.File(path) as file:
        assert "optimizer" not in file
    copy = build(random=2, internal_path=internal_path)
    load(copy, path)
    for ours, theirs in zip(
        copy.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(
        to_numpy(copy(images)), to_numpy(model(images)), rtol=1e-6
    )


def test_freezing_does_not_change_the_order(tmp_path):
    model = build(coder_training="free")
    model.trainable = False
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    copy = build(random=2)
    load(copy, path)
    for ours, theirs in zip(
        copy.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_an_existing_file_is_replaced(path):
    save_weights(build(random=2), path)
    copy = build()
    load(copy, path)
    expected = build(random=2).get_weights()
    np.testing.assert_array_equal(copy.get_weights()[0], expected[0])


def test_files_of_keras_load_too(tmp_path, images):
    """Of a compiled model even, with its optimizer inside."""
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, np.arange(4), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    copy = build(random=2)
    load(copy, tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(
        to_numpy(copy(images)), to_numpy(model(images))
    )


@pytest.mark.parametrize("pooling", [None, "avg"])
def test_a_file_with_a_head_loads_without_the_top(path, pooling):
    whole = build()
    model = build(random=2, include_top=False, pooling=pooling)
    load(model, path)
    for layer in model.layers:
        source = (
            whole.get_layer(layer.name).get_weights() if layer.variables else []
        )
        for ours, theirs in zip(layer.get_weights(), source, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_file_without_a_head_does_not_load_with_the_top(tmp_path):
    path = tmp_path / "model.weights.h5"
    save_weights(build(include_top=False), path)
    model = build(random=2)
    with refused(
        model,
        "needs weights with one",
        f"Received: '{path}', which holds a backbone alone",
        "1 x (8, 10), 1 x (10,)",
        "include_top=False",
    ):
        load(model, path)


def test_free_arguments_do_not_matter(path, images):
    model = build(
        random=2,
        coder_training="scaled",
        preprocessing="none",
        classifier_activation=None,
        input_shape=(None, None, 3),
        dtype="mixed_bfloat16",
        name="other",
    )
    load(model, path)
    expected = build().get_weights()
    np.testing.assert_array_equal(model.get_weights()[0], expected[0])


def test_same_shapes_are_not_the_same_architecture(tmp_path):
    path = tmp_path / "model.weights.h5"
    save_weights(build(internal_path="residual"), path)
    model = build(random=2, internal_path="none")
    with refused(
        model,
        "only fit the architecture",
        f"Received: '{path}'",
        "internal_path: file 'residual', model 'none'",
    ):
        load(model, path)


@pytest.mark.parametrize(
    ("kwargs", "difference"),
    [
        ({"blocks_per_stage": (2, 1)}, "blocks_per_stage: file [1, 1]"),
        ({"filters_per_stage": (4, 9)}, "filters_per_stage: file [4, 8]"),
        ({"norm": "kernel"}, "norm: file 'learner', model 'kernel'"),
    ],
)
def test_another_architecture(path, kwargs, difference):
    model = build(random=2, **kwargs)
    with refused(model, f"Received: '{path}'", difference):
        load(model, path)


def test_a_file_older_than_an_argument_has_its_default(path):
    with h5py.File(path, "r+") as file:
        made_for = json.loads(file.attrs["keras_pnnh_architecture"])
        del made_for["code_ratio"]
        file.attrs["keras_pnnh_architecture"] = json.dumps(made_for)
        del file.attrs[notes.DIGEST]
    load(build(random=2), path)
    model = build(random=2, code_ratio=0.5)
    with refused(model, "code_ratio: file 1.0, model 0.5"):
        load(model, path)


@pytest.mark.parametrize(
    ("kwargs", "rule"),
    [
        ({"classes": 11}, "exactly the variables"),
        ({"input_shape": (8, 8, 4)}, "as many channels as its weights"),
    ],
)
def test_other_classes_or_channels(path, kwargs, rule):
    model = build(random=2, **kwargs)
    with refused(model, rule, f"Received: '{path}'"):
        load(model, path)


def test_another_depth_without_a_note(tmp_path):
    path = tmp_path / "model.weights.h5"
    build(blocks_per_stage=(2, 1)).save_weights(path)
    model = build(random=2)
    with refused(model, "exactly the variables", f"Received: '{path}'"):
        load(model, path)


def test_same_shapes_in_another_order(tmp_path):
    """Keras notices when half of the model is loaded already."""
    layers = [keras.Input((3,))]
    layers += [keras.layers.Dense(3, name=name) for name in "ab"]
    path = tmp_path / "model.weights.h5"
    keras.Sequential(layers).save_weights(path)
    with h5py.File(path, "r+") as file:
        dense = file["layers"]["dense_1"]["vars"]
        first, second = dense["0"][:], dense["1"][:]
        del dense["0"], dense["1"]
        dense["0"], dense["1"] = second, first
    model = keras.Sequential(
        [keras.Input((3,))] + [keras.layers.Dense(3) for _ in "ab"]
    )
    with refused(model, "in its order", f"Received: '{path}'"):
        load(model, path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated_files(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    model = build(random=2)
    with refused(
        model, "complete HDF5 file", f"Received: '{path}'", "Fetch or write"
    ):
        load(model, path)


def test_files_of_another_kind(path):
    path.write_text("no HDF5")
    model = build(random=2)
    with refused(model, "HDF5", f"Received: '{path}' (7 bytes)"):
        load(model, path)


def test_hdf5_of_another_kind(path):
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros(3)
    model = build(random=2)
    with refused(model, "exactly the variables", f"Received: '{path}'"):
        load(model, path)


@pytest.mark.parametrize("load_it", [load, None])
@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.npz"])
def test_another_suffix(tmp_path, name, load_it):
    model = build()
    path = tmp_path / name
    path.write_bytes(b"some bytes")
    with refused(model, "'.weights.h5'", f"Received: weights='{path}'"):
        if load_it:
            load_it(model, path)
        else:
            PlainResNet20(weights=path)


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_missing_files(tmp_path, kind):
    path = tmp_path / "model.weights.h5"
    parts = ("existing file", f"Received: weights='{path}'")
    model = build()
    with refused(model, *parts, kind=FileNotFoundError):
        load(model, path)
    with refused(model, *parts, kind=FileNotFoundError):
        PlainResNet20(weights=kind(path))


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_constructors_take_paths(tmp_path, kind, images):
    model = PlainResNet20(input_shape=(8, 8, 3), classes=3)
    randomize(model, seed=1)
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    copy = PlainResNet20(weights=kind(path), input_shape=(8, 8, 3), classes=3)
    np.testing.assert_array_equal(
        to_numpy(copy(images)), to_numpy(model(images))
    )
    filled = PlainResNet20(weights=kind(path))
    assert filled.input_shape == (None, 8, 8, 3)
    np.testing.assert_array_equal(
        to_numpy(filled(images)), to_numpy(model(images))
    )


def test_the_file_says_what_it_was_made_for(path):
    with h5py.File(path) as file:
        noted = json.loads(file.attrs["keras_pnnh_architecture"])
    noted["name"] = noted["name"].rstrip("_0123456789")
    assert noted == {
        "class_name": "PlainResNet",
        "blocks_per_stage": [1, 1],
        "filters_per_stage": [4, 8],
        "internal_path": "coder",
        "preprocessing": "symmetric",
        "block": "basic",
        "stem": "3x3",
        "norm": "learner",
        "code_placement": "add",
        "code_ratio": 1.0,
        "learner_ratio": 1.0,
        "shared_learners": [],
        "name": "plain_res_net",
        "include_top": True,
        "input_shape": [8, 8, 3],
        "pooling": None,
        "classes": 10,
        "data_format": "channels_last",
    }


@pytest.mark.parametrize("name", ["model.h5", "model", "model.weights"])
def test_saving_wants_the_suffix(tmp_path, name):
    path = tmp_path / name
    model = build()
    with refused(model, "'.weights.h5'", f"path='{path}'. Try"):
        save_weights(model, path)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("size", [0, 1000, 20000, 60000])
def test_a_full_disk_leaves_the_old_file(path, size):
    before = path.read_bytes()
    model = build(random=2)
    with refused(model, f"Received: '{path}'", "Free some space", kind=OSError):
        with limited_file_size(size):
            save_weights(model, path)
    assert files_in(path.parent) == [path.name]
    assert path.read_bytes() == before


def test_the_reserved_size_suffices(tmp_path):
    """Else HDF5 meets the full disk, and takes the process down."""
    from keras_pnnh.weights.writer import _largest_size

    deep = {"blocks_per_stage": (9, 9), "filters_per_stage": (1, 1)}
    for kwargs in ({}, deep, {"include_top": False}):
        model = build(**kwargs)
        path = tmp_path / "model.weights.h5"
        save_weights(model, path)
        assert path.stat().st_size < _largest_size(model)


@pytest.mark.parametrize("failure", [OSError, RuntimeError])
def test_failing_writers_leave_nothing(tmp_path, monkeypatch, failure):
    def fail(model, path, *args, **kwargs):
        path.write_bytes(b"half of it")
        raise failure("disk is gone")

    model = build()
    monkeypatch.setattr(keras.Model, "save_weights", fail)
    with refused(model, "Received", "disk is gone", kind=OSError):
        save_weights(model, tmp_path / "model.weights.h5")
    assert files_in(tmp_path) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "taken").write_text("")
    path = tmp_path / "taken" / "model.weights.h5"
    model = build()
    with refused(model, f"Received: '{path}'", "another folder", kind=OSError):
        save_weights(model, path)
