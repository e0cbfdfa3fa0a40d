"""Weights know their architecture: what the caller leaves open is theirs."""

import json
import re
import warnings

import h5py
import keras
import numpy as np
import pytest
from harness import randomize, rest_on_torch, to_numpy

from keras_pnnh import create_model, from_weights, save_weights
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet,
    PlainResNet20,
    PlainResNet32,
    PlainViTTiny16,
)
from keras_pnnh.weights import Classifier, architecture, notes

SHAPE = (8, 8, 3)
RESNETS = {
    "narrow": {"filters_per_stage": (3, 5, 7), "classes": 4},
    "concat": {"code_placement": "concat", "code_ratio": 0.5},
    "twin": {"internal_path": "residual", "preprocessing": "imagenet"},
    "passing": {"internal_path": "pass_through"},
    "grey": {"input_shape": (8, 12, 1)},
}


def saved(folder, constructor=PlainResNet20, classifier=None, **arguments):
    model = constructor(**{"input_shape": SHAPE, "classes": 3, **arguments})
    randomize(model, seed=1)
    path = folder / "mine.weights.h5"
    save_weights(model, path, classifier)
    return path, model


def assert_equal(copy, model):
    shape = (2, *model.input_shape[1:])
    images = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    np.testing.assert_allclose(
        to_numpy(copy(images)), to_numpy(model(images)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow_on_jax
@pytest.mark.every_backend
@pytest.mark.parametrize("kind", rest_on_torch(RESNETS, everywhere="narrow"))
def test_a_constructor_takes_what_the_weights_say(kind, tmp_path):
    path, model = saved(tmp_path, **RESNETS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        copies = PlainResNet20(weights=path), from_weights(path)
    for copy in copies:
        assert_equal(copy, model)
        ours, theirs = copy.get_config(), model.get_config()
        for key in RESNETS[kind]:
            assert ours[key] == theirs[key]
        assert copy.name == "plain_resnet20"


def test_other_families(tmp_path):
    small = {"patch_size": 2, "num_layers": 1, "hidden_dim": 12, "mlp_dim": 24}
    path, model = saved(tmp_path, PlainViTTiny16, **small)
    assert_equal(from_weights(path), model)
    assert_equal(PlainViTTiny16(weights=path, **small), model)
    path, model = saved(
        tmp_path, PlainMobileNetV2, alpha=0.35, input_shape=(32, 32, 3)
    )
    assert_equal(from_weights(path), model)
    with pytest.raises(ValueError, match="alpha: file 0.35, model 1.0"):
        PlainMobileNetV2(weights=path)


def test_a_name_keeps_what_it_promises(tmp_path):
    path, model = saved(tmp_path)
    rule = r"blocks_per_stage: file \[3, 3, 3\], model \[5, 5, 5\]"
    with pytest.raises(ValueError, match=rule):
        PlainResNet32(weights=path)
    other = PlainResNet32(weights=path, blocks_per_stage=(3, 3, 3))
    assert_equal(other, model)


@pytest.mark.parametrize(
    "given",
    [
        {"internal_path": "residual"},
        {"filters_per_stage": (3, 5, 8)},
        {"norm": "kernel"},
        {"preprocessing": "imagenet"},
        {"shared_learners": (2,)},
    ],
)
def test_contradictions_are_refused_by_name(given, tmp_path):
    path, _ = saved(tmp_path, filters_per_stage=(3, 5, 7))
    (name,) = given
    for construct in (
        lambda: PlainResNet20(weights=path, **given),
        lambda: from_weights(path, **given),
    ):
        with pytest.raises(ValueError, match=f"differ in {name}: ") as error:
            construct()
        assert str(path) in str(error.value)
        assert "Leave these arguments out" in str(error.value)


def test_what_agrees_may_be_given(tmp_path):
    given = {"filters_per_stage": [3, 5, 7], "internal_path": "coder"}
    path, model = saved(tmp_path, **given)
    assert_equal(PlainResNet20(weights=path, **given), model)


def test_what_is_free_may_be_given(tmp_path):
    path, model = saved(tmp_path)
    raw = from_weights(path, preprocessing="none", classifier_activation=None)
    assert raw.layers[1].name == "stem_conv"
    other = from_weights(path, input_shape=(16, 12, 3), dtype="mixed_bfloat16")
    assert other.input_shape == (None, 16, 12, 3)
    backbone = from_weights(path, include_top=False, pooling="avg", name="b")
    assert backbone.output_shape == (None, 64) and backbone.name == "b"
    assert backbone.input_shape == (None, None, None, 3)


def test_other_classes_get_a_new_head(tmp_path):
    path, model = saved(tmp_path)
    for construct in (
        lambda: PlainResNet20(weights=path, classes=2),
        lambda: from_weights(path, classes=2),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            copy = construct()
        said = [str(each.message) for each in caught]
        assert any("has 3 classes, `classes=2`" in text for text in said)
        assert copy.output_shape == (None, 2)
        name = "stage3_block3_conv2"
        for mine, theirs in zip(
            copy.get_layer(name).get_weights(),
            model.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, theirs)
        kernel, _ = copy.get_layer("head").get_weights()
        assert kernel.std() > 0


def test_a_backbone_is_one(tmp_path):
    """Its note says so, and what a caller asks for comes before it."""
    path, model = saved(tmp_path, include_top=False, pooling="avg")
    for construct in (PlainResNet20, from_weights):
        copy = construct(weights=path)
        assert copy.output_shape == (None, 64)
        assert copy.input_shape == (None, None, None, 3)
        pictures = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE))
        np.testing.assert_allclose(
            to_numpy(copy(pictures)), to_numpy(model(pictures)), rtol=1e-5
        )
        maps = construct(weights=path, include_top=False)
        assert maps.output_shape == (None, None, None, 64)
        # 3 is what the note says, without a head that has them.
        for classes in (2, 3):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                copy = construct(weights=path, classes=classes)
            said = [str(each.message) for each in caught]
            assert any("weights have no classifier" in text for text in said)
            assert copy.output_shape == (None, classes)
        with pytest.raises(ValueError, match="holds a backbone alone"):
            construct(weights=path, include_top=True)


def test_a_backbone_reads_the_channels_of_its_weights(tmp_path):
    path, _ = saved(tmp_path, input_shape=(8, 8, 1))
    for construct in (PlainResNet20, from_weights):
        copy = construct(weights=path, include_top=False)
        assert copy.input_shape == (None, None, None, 1)
        copy = construct(
            weights=path, include_top=False, data_format="channels_first"
        )
        assert copy.input_shape == (None, 1, None, None)


@pytest.mark.parametrize("labelled", [False, True])
def test_files_of_before_say_less(labelled, tmp_path):
    """Neither classes nor the size of an image; perhaps names of classes."""
    classifier = Classifier(("a", "b", "c"), (8, 8)) if labelled else None
    path, model = saved(tmp_path, classifier=classifier)
    with h5py.File(path, "r+") as file:
        noted = architecture.read(file)
        for key in ("name", *architecture.ENDS):
            noted.pop(key)
        file.attrs[architecture.ATTRIBUTE] = json.dumps(noted)
        del file.attrs[notes.DIGEST]
    if labelled:
        assert_equal(PlainResNet20(weights=path, input_shape=SHAPE), model)
    else:
        with pytest.raises(ValueError, match="number of classes"):
            PlainResNet20(weights=path, input_shape=SHAPE)
    assert_equal(
        PlainResNet20(weights=path, input_shape=SHAPE, classes=3), model
    )


def test_channels_first(tmp_path):
    path, model = saved(tmp_path, input_shape=(8, 12, 3))
    copy = from_weights(path, data_format="channels_first")
    assert copy.input_shape == (None, 3, 8, 12)
    for mine, theirs in zip(
        copy.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_tags_with_their_model():
    model = PlainResNet20(weights="plain_resnet20.cifar10")
    assert_equal(PlainResNet20(weights="cifar10"), model)
    assert_equal(from_weights("plain_resnet20.cifar10"), model)
    assert_equal(
        create_model("plain_resnet20", weights="plain_resnet20.cifar10"), model
    )


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            "plain_wide11.cifar10",
            "'plain_wide11', weights='cifar10'",
        ),
        ("plain_resnet20.cifar100", "plain_resnet20.cifar10"),
        ("owner/name", "Write weights='hf://owner/name'"),
        (
            "https://huggingface.co/owner/name",
            "Write weights='hf://owner/name'",
        ),
        (
            "https://huggingface.co/owner/name/tree/v2",
            "Write weights='hf://owner/name@v2'",
        ),
        (
            "https://huggingface.co/owner/name/resolve/v2/model.weights.h5?x=1",
            "Write weights='hf://owner/name@v2'",
        ),
        ("hf.co/owner/name", "Write weights='hf://owner/name'"),
        ("https://example.com/a.bin", "Download the file"),
        ("https://example.com/a.weights.h5", "Download the file"),
        (3, "weights=3"),
    ],
)
def test_what_names_no_weights_is_repaired(weights, said):
    with pytest.raises(ValueError, match=said):
        PlainResNet20(weights=weights)
    if weights != "plain_wide11.cifar10":
        with pytest.raises(ValueError, match=said):
            from_weights(weights)


def test_a_tag_alone_names_no_model():
    with pytest.raises(ValueError, match="names no model") as error:
        from_weights("cifar10")
    for name in ("plain_resnet20.cifar10", "plain_wide11_small.cifar10"):
        assert name in str(error.value)


def test_a_folder_is_no_weight_file(tmp_path):
    for construct in (PlainResNet20, from_weights):
        with pytest.raises(ValueError, match="a folder.*load_run"):
            construct(weights=tmp_path)


def test_missing_files_are_missing_files():
    for path in ("none.weights.h5", "runs/none.weights.h5", "./none"):
        with pytest.raises((FileNotFoundError, ValueError), match="weights="):
            PlainResNet20(weights=path)


def test_another_family_is_refused(tmp_path):
    path, _ = saved(tmp_path)
    with pytest.raises(ValueError, match="a PlainResNet, for a PlainViT"):
        PlainViTTiny16(weights=path)


def test_unknown_arguments_are_refused(tmp_path):
    path, _ = saved(tmp_path)
    rule = re.escape("code_placment='add'. Nearest: code_placement")
    with pytest.raises(ValueError, match=rule):
        from_weights(path, code_placment="add")


def test_a_file_that_says_nothing(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    path = tmp_path / "own.weights.h5"
    save_weights(model, path)
    with pytest.raises(ValueError, match="which network it is of"):
        from_weights(path)


def test_a_class_of_a_family(tmp_path):
    """No variant has these numbers."""
    model = PlainResNet((1, 1), (4, 8), input_shape=SHAPE, classes=3)
    randomize(model, seed=1)
    path = tmp_path / "mine.weights.h5"
    save_weights(model, path)
    copy = from_weights(path)
    assert_equal(copy, model)
    assert copy.name == model.name
