"""What earlier versions saved loads, and computes the same."""

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from harness import to_numpy

from keras_pnnh.applications import PlainResNet, PlainResNet20
from keras_pnnh.applications._old_configs import translate
from keras_pnnh.training.run_folder import RunFolder

FOLDER = Path(__file__).parents[1] / "data" / "saved_before"
MODELS = {
    "concat": {
        "code_placement": "concat",
        "learner_ratio": 0.75,
        "code_ratio": 0.5,
        "shared_learners": [2],
        "preprocessing": "imagenet",
    },
    "identity": {"internal_path": "pass_through"},
    "pre": {
        "internal_path": "residual",
        "block": "basic_v2",
        "norm": "learner",
        "preprocessing": "none",
    },
    "mobile": {"coder_training": "scaled", "dropout_rate": 0.1},
    "vit": {"token_mixing": "identity_heads"},
}
NUMBERS = {
    "blocks_per_stage": (1, 2),
    "filters_per_stage": (4, 8),
    "input_shape": (8, 8, 3),
    "classes": 3,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_before")
    with zipfile.ZipFile(FOLDER / "files.zip") as files:
        files.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def arrays():
    return np.load(FOLDER / "outputs.npz")


# The outputs were computed on JAX; other backends round differently.
TOLERANCE = 1e-6 if keras.backend.backend() == "jax" else 1e-5


def assert_outputs(model, arrays, name):
    outputs = to_numpy(model(arrays["images"]))
    np.testing.assert_allclose(outputs, arrays[name], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
def test_models(name, folder, arrays):
    model = keras.saving.load_model(folder / f"{name}.keras")
    assert_outputs(model, arrays, name)
    assert model.name == f"old_{name}"
    config = model.get_config()
    assert {key: config[key] for key in MODELS[name]} == MODELS[name]
    assert translate(type(model).__name__, config) == config


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "path", "arguments"),
    [
        ("added", "coder", {}),
        ("converted", "pass_through", {}),
        ("kernel", "none", {"norm": "kernel"}),
    ],
)
def test_weights(name, path, arguments, folder, arrays):
    file = folder / f"{name}.weights.h5"
    model = PlainResNet20(weights=file, **NUMBERS, **arguments)
    assert model.get_config()["internal_path"] == path
    assert_outputs(model, arrays, name)
    with pytest.raises(ValueError, match="internal_path: file"):
        PlainResNet20(
            weights=file, **NUMBERS, **arguments, internal_path="residual"
        )


@pytest.mark.parametrize(
    "config",
    [
        {"norm": "sum"},
        {"norm": None},
        {"coder_sharing": "block"},
        {"dropout_rate": 0.1},
        {"internal_path": "residual", "shortcut": "projection"},
    ],
)
def test_what_is_gone_is_refused(config):
    key, value = list(config.items())[-1]
    rule = f"earlier version.*Received: a PlainResNet with {key}={value!r}"
    with pytest.raises(ValueError, match=rule):
        PlainResNet.from_config({**NUMBERS, **config})


class Mine(PlainResNet):
    def __init__(self, learner_gain=1.0, **kwargs):
        super().__init__(**kwargs)
        self.learner_gain = learner_gain

    def get_config(self):
        return {**super().get_config(), "learner_gain": self.learner_gain}


def test_arguments_of_a_family_of_ones_own_stay():
    config = {**Mine(learner_gain=0.5, **NUMBERS).get_config(), "coder": None}
    config["code_placement"] = "beside"
    copy = Mine.from_config(config)
    assert copy.learner_gain == 0.5
    assert copy.get_config()["code_placement"] == "concat"
    untouched = {"learner_gain": 0.5, "shortcut": "mine"}
    assert translate("PlainVGG", untouched) == untouched


def test_a_run_goes_on(tmp_path):
    """Its config is that of the network, whatever the names of its time."""
    model = PlainResNet(**NUMBERS)
    now = {"class_name": "PlainResNet", **model.get_config()}
    then = {
        **now,
        "coder": "autoencoder",
        "code_placement": "added",
        "include_preprocessing": True,
        "learner_gain": 1.0,
        "shortcut": "zero_padding",
        "activation_order": "post",
        "dropout_rate": 0.0,
    }
    folder = RunFolder(tmp_path)
    assert folder.start({"model": then}, resume=False).epochs == []
    with pytest.raises(ValueError, match="other settings: model: activation"):
        folder.start({"model": now}, resume=True)
    resumed = folder.start({"model": now}, True, model.translate_config)
    assert resumed.epochs == []
