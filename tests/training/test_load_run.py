"""A line of Python that loads what a run has trained."""

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.applications import PlainResNet
from keras_pnnh.data import LabelledImages
from keras_pnnh.training import Recipe, load_run, train

SMALL = {
    "blocks_per_stage": (1,),
    "filters_per_stage": (4,),
    "classes": 2,
    "input_shape": (8, 8, 3),
}
pytestmark = pytest.mark.torch_only


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mine"
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    data = LabelledImages(images, np.arange(8) % 2, ("cat", "dog"))
    model = PlainResNet(**SMALL, classifier_activation=None)
    recipe = Recipe(epochs=1, batch_size=4, warmup_epochs=0)
    train(model, data, recipe, folder, freeze_until="stage1_block1_conv2")
    return folder, model, images.astype("float32")


def test_three_ways_give_the_same_network(run):
    folder, trained, images = run
    logits = keras.ops.softmax(trained(images))
    wanted = keras.ops.convert_to_numpy(logits)
    for model in (
        load_run(folder),
        keras.saving.load_model(folder / "model.keras"),
        keras_pnnh.from_weights(folder / "model.weights.h5"),
    ):
        outputs = model.predict(images, verbose=0)
        np.testing.assert_allclose(outputs, wanted, atol=1e-6)
        assert isinstance(model, PlainResNet)


def test_arguments_go_to_the_network(run):
    folder, trained, images = run
    model = load_run(str(folder), classifier_activation=None)
    np.testing.assert_allclose(
        model.predict(images, verbose=0),
        trained.predict(images, verbose=0),
        atol=1e-6,
    )


def test_the_whole_model_keeps_what_is_frozen(run):
    model = keras.saving.load_model(run[0] / "model.keras")
    assert not model.get_layer("stem_conv").trainable
    assert model.get_layer("head").trainable


@pytest.mark.parametrize("missing", ["folder", "record.json", "weights"])
def test_no_finished_run(missing, tmp_path):
    folder = tmp_path / "run"
    if missing != "folder":
        folder.mkdir()
    if missing == "weights":
        (folder / "record.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="Received: '.*run', without"):
        load_run(folder)
