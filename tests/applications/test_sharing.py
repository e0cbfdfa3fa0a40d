"""The coder of a stage is one object, whatever Keras does to the model."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from families import FAMILIES
from harness import INTERNAL_PATHS, randomize, rest_on_torch, to_numpy

from keras_pnnh import save_weights
from keras_pnnh.layers import Coder

NEXT = {"tensorflow": "jax", "jax": "torch", "torch": "tensorflow"}


def build(family, **kwargs):
    model = FAMILIES[family].build(**kwargs)
    randomize(model, seed=1)
    return model


def through_file(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def through_weights(model, folder):
    model.save_weights(folder / "model.weights.h5")
    copy = type(model).from_config(model.get_config())
    copy.load_weights(folder / "model.weights.h5")
    return copy


def through_config(model, folder):
    config = json.loads(json.dumps(model.get_config()))
    return _with_weights(type(model).from_config(config), model)


def through_json(model, folder):
    return _with_weights(keras.models.model_from_json(model.to_json()), model)


def through_clone(model, folder):
    return _with_weights(keras.models.clone_model(model), model)


def through_functional_clone(model, folder):
    def clone(layer):
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    return _with_weights(copy, model)


def _with_weights(copy, model):
    copy.set_weights(model.get_weights())
    return copy


@pytest.mark.slow
@pytest.mark.torch_only
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "coder_training",
    ["scaled", pytest.param("frozen", marks=pytest.mark.full_only)],
)
@pytest.mark.parametrize(
    "copy_through",
    [
        through_file,
        through_weights,
        through_config,
        through_json,
        through_clone,
        through_functional_clone,
    ],
)
def test_copies_share_their_own_coder(
    family, copy_through, coder_training, tmp_path, images
):
    model = build(family, coder_training=coder_training)
    copy = copy_through(model, tmp_path)
    before = to_numpy(model(images))
    np.testing.assert_allclose(to_numpy(copy(images)), before, rtol=1e-6)
    coders = [layer for layer in copy.layers if isinstance(layer, Coder)]
    assert len(coders) == 2
    assert copy.count_params() == model.count_params()
    assert len(copy.variables) == len(model.variables)
    assert len(copy.trainable_variables) == len(model.trainable_variables)
    ours = {id(variable) for variable in model.variables}
    assert not ours & {id(variable) for variable in copy.variables}
    # A change of the one coder of a stage must reach all of its blocks.
    for layer in coders:
        values = [0.5 * value for value in layer.get_weights()]
        layer.set_weights(values)
        model.get_layer(layer.name).set_weights(values)
        after = to_numpy(model(images))
        assert np.abs(after - before).max() > 1e-4
        np.testing.assert_allclose(to_numpy(copy(images)), after, rtol=1e-6)
        before = after


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "internal_path",
    rest_on_torch(INTERNAL_PATHS, everywhere="coder"),
)
def test_saved_models_keep_arguments_and_outputs(
    family, internal_path, tmp_path, images
):
    kwargs = {
        "include_top": True,
        "classes": 3,
        "classifier_activation": "linear",
        "preprocessing": "imagenet",
        "internal_path": internal_path,
        "coder_training": "free",
        "name": "mine",
        **FAMILIES[family].settings,
    }
    model = build(family, **kwargs)
    copy = through_file(model, tmp_path)
    assert type(copy) is FAMILIES[family].model_class
    assert copy.get_config() == model.get_config()
    for name, value in kwargs.items():
        assert copy.get_config()[name] == value
    np.testing.assert_allclose(
        to_numpy(copy(images)), to_numpy(model(images)), rtol=1e-6
    )


@pytest.mark.torch_only
@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_model_stays_frozen(family, tmp_path):
    model = build(family, coder_training="free")
    model.trainable = False
    copy = through_file(model, tmp_path)
    assert copy.trainable_variables == []
    copy.trainable = True
    model.trainable = True
    assert len(copy.trainable_variables) == len(model.trainable_variables)


@pytest.mark.torch_only
@pytest.mark.parametrize("family", FAMILIES)
def test_a_coder_is_stored_once(family, tmp_path):
    import h5py

    model = build(family)
    save_weights(model, tmp_path / "model.weights.h5")
    with h5py.File(tmp_path / "model.weights.h5") as file:
        coders = [name for name in file["layers"] if name.startswith("coder")]
        values = []
        file.visititems(
            lambda name, item: (
                values.append(item) if isinstance(item, h5py.Dataset) else None
            )
        )
        assert coders == ["coder", "coder_1"]
        assert len(values) == len(model.variables)


LOADER = """
import sys
import keras
import numpy as np
from keras_pnnh.weights.loader import load

for folder in sys.argv[1:]:
    arrays = np.load(folder + "/arrays.npz")
    whole = keras.saving.load_model(folder + "/model.keras")
    fresh = type(whole).from_config(whole.get_config())
    load(fresh, folder + "/model.weights.h5")
    for model in (whole, fresh):
        outputs = keras.ops.convert_to_numpy(model(arrays["images"]))
        error = np.abs(outputs - arrays["outputs"]).max()
        print(keras.backend.backend(), error)
"""


def _is_installed(backend):
    from importlib.util import find_spec

    return find_spec(backend) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    [name for name in [NEXT[keras.backend.backend()]] if _is_installed(name)],
)
def test_files_load_on_another_backend(backend, tmp_path, images):
    folders = [tmp_path / family for family in FAMILIES]
    for folder in folders:
        folder.mkdir()
        model = build(folder.name)
        model.save(folder / "model.keras")
        save_weights(model, folder / "model.weights.h5")
        outputs = to_numpy(model(images))
        np.savez(folder / "arrays.npz", images=images, outputs=outputs)
    result = subprocess.run(
        [sys.executable, "-c", LOADER, *map(str, folders)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [name for name, _ in lines] == [backend] * 2 * len(folders)
    assert max(float(difference) for _, difference in lines) < 1e-4
