"""Constructors as an editor, a user and `pickle` meet them."""

import inspect
import pickle

import keras
import pytest

from keras_pnnh import applications
from keras_pnnh.applications import (
    PlainMobileNet,
    PlainMobileNetV2,
    PlainResNet,
    PlainResNet20,
    PlainViT,
    PlainViTTiny16,
    PlainWide,
)

VARIANTS = [
    name
    for name in applications.__all__
    if inspect.isfunction(getattr(applications, name)) and name[0].isupper()
]
FAMILIES = {
    "PlainResNet": PlainResNet,
    "PlainMobileNetV2": PlainMobileNet,
    "PlainViT": PlainViT,
    "PlainWide": PlainWide,
}
OURS = {"weights", "input_tensor", "revision", "cache_dir", "token"}
OURS |= {"local_files_only", "force_download"}
NAN = float("nan")
RESNET = {
    "blocks_per_stage": (1, 1),
    "filters_per_stage": (4, 8),
    "classes": 3,
    "input_shape": (8, 8, 3),
}
MOBILENET = {
    **RESNET,
    "strides_per_stage": (1, 2),
    "stem_filters": 4,
    "last_filters": 8,
    "stem": "3x3",
}
VIT = {
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 8,
    "mlp_dim": 16,
    "patch_size": 4,
    "classes": 3,
    "input_shape": (8, 8, 3),
}


def test_every_variant_is_exported():
    assert len(VARIANTS) == 16


@pytest.mark.parametrize("name", VARIANTS)
def test_constructors_show_what_their_family_takes(name):
    constructor = getattr(applications, name)
    (family,) = (
        value
        for prefix, value in FAMILIES.items()
        if name.startswith(prefix) and name != prefix or name == prefix
    )
    shown = inspect.signature(constructor).parameters
    taken = inspect.signature(family).parameters
    assert set(shown) == set(taken) | OURS
    for parameter in shown.values():
        assert parameter.annotation is not parameter.empty
        assert parameter.kind is not parameter.VAR_KEYWORD
    assert shown["weights"].default is None
    assert all(
        shown[key].default is None
        for key in taken
        if shown[key].kind is shown[key].KEYWORD_ONLY
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_constructors_are_public_and_pickle(name):
    constructor = getattr(applications, name)
    assert pickle.loads(pickle.dumps(constructor)) is constructor
    assert constructor.__name__ == constructor.__qualname__ == name
    assert not any(
        part.startswith("_") for part in constructor.__module__.split(".")
    )
    documentation = inspect.getdoc(constructor)
    assert documentation and "{" not in documentation
    for key in ("weights", "revision", "classes", "classifier_activation"):
        assert f"\n    {key}: " in documentation


@pytest.mark.parametrize("family", FAMILIES.values())
def test_arguments_of_a_family(family):
    parameters = inspect.signature(family).parameters
    assert len(parameters) <= 20
    documentation = inspect.getdoc(family)
    assert documentation
    for name, parameter in parameters.items():
        assert parameter.annotation is not parameter.empty
        assert f"\n    {name}: " in documentation


@pytest.mark.parametrize(
    ("family", "base", "wrong"),
    [
        (PlainResNet, RESNET, wrong)
        for wrong in (
            {"classes": True},
            {"include_top": "no"},
            {"preprocessing": False},
            {"blocks_per_stage": (True, 1)},
            {"shared_learners": (True,)},
            {"shared_learners": (1.0,)},
            {"code_ratio": True},
            {"code_ratio": "1"},
            {"code_ratio": NAN},
            {"learner_ratio": None},
            {"block": ["basic"]},
            {"input_shape": (8, 8, True)},
            {"input_shape": ("8", 8, 3)},
            {"input_shape": (8.0, 8.0, 3)},
            {"input_shape": (8, 8, -1)},
            {"dtype": "int32"},
            {"dtype": "half a float"},
            {"name": ""},
            {"classifier_activation": "softmaxx"},
        )
    ]
    + [
        (PlainViT, VIT, wrong)
        for wrong in (
            {"classes": True},
            {"class_token": "no"},
            {"input_shape": (8, 8, 0)},
            {"dropout_rate": "0.1"},
            {"dropout_rate": 0.1, "internal_path": "pass_through"},
        )
    ]
    + [
        (PlainMobileNet, MOBILENET, wrong)
        for wrong in (
            {"classes": True},
            {"input_shape": (True, 8, 3)},
            {"dropout_rate": None},
            {"strides_per_stage": (True, 2)},
        )
    ],
)
def test_wrong_values_get_a_sentence(family, base, wrong):
    key = next(iter(wrong))
    with pytest.raises(ValueError) as error:
        family(**{**base, **wrong})
    rule, _, received = str(error.value).partition("Received: ")
    assert rule.strip().endswith(".")
    assert f"{key}=" in received and received.endswith(".")


@pytest.mark.parametrize(
    ("construct", "wrong", "rule"),
    [
        (PlainResNet, {"include_preprocessing": True}, "`preprocessing`"),
        (PlainResNet, {"learner_gain": 0.5}, "unexpected keyword"),
        (PlainViT, {"hidden_dims": 8}, "`hidden_dim`"),
        (PlainMobileNet, {"stem_filter": 4}, "`stem_filters`"),
        (PlainWide, {"classes": 3}, "missing a required argument"),
        (PlainResNet20, {"wieghts": "cifar10"}, "`weights`"),
        (PlainMobileNetV2, {"alfa": 1.0}, "`alpha`"),
    ],
)
def test_unknown_arguments_get_the_nearest_name(construct, wrong, rule):
    base = {PlainResNet: RESNET, PlainViT: VIT, PlainMobileNet: MOBILENET}
    with pytest.raises(TypeError, match=rule) as error:
        construct(**base.get(construct, {}), **wrong)
    _, _, received = str(error.value).partition("Received: ")
    assert received.startswith(construct.__name__)
    assert all(f"{key}={value!r}" in received for key, value in wrong.items())


def test_a_tag_in_the_first_place_is_refused():
    with pytest.raises(ValueError, match="Weights are named by `weights='cif"):
        PlainResNet20("cifar10")


def test_none_is_what_stands_in_the_family():
    open_, family = (
        PlainViTTiny16(
            num_layers=1, patch_size=4, classifier_activation=None, **given
        ).get_config()
        for given in ({}, {"token_mixing": "shaped", "class_token": True})
    )
    assert open_ == family
    assert open_["classifier_activation"] == "linear"
    assert PlainMobileNetV2(alpha=0.35).get_config()["classes"] == 1000


def test_levels_name_layers():
    model = PlainResNet20(input_shape=(32, 32, 3))
    for level, name in model.pyramid_level_inputs.items():
        output = model.get_layer(name).output
        assert output is model.pyramid_outputs[level]
    assert list(model.pyramid_level_inputs) == ["P0", "P1", "P2"]
    assert isinstance(type(model).pyramid_level_inputs, property)
    backbone = PlainViT(**VIT, include_top=False)
    assert backbone.pyramid_level_inputs == {}


def test_pass_through_is_made_by_the_constructor(images):
    model = PlainResNet(**RESNET, internal_path="pass_through")
    assert type(model) is PlainResNet
    assert model.get_config()["internal_path"] == "pass_through"
    assert not any(isinstance(x, keras.layers.Add) for x in model.layers)
    assert list(model.pyramid_outputs) == ["P0", "P1"]
