import keras
import pytest

from keras_pnnh import list_weights
from keras_pnnh.applications import (
    PlainResNet,
    PlainResNet20,
    PlainResNet32,
    create_model,
    list_models,
)


@pytest.mark.parametrize(
    ("kwargs", "rule", "received"),
    [
        (
            {"internal_path": "skip"},
            "`internal_path` must be one of ('coder', 'pass_through', "
            "'residual', 'none')",
            "internal_path='skip'",
        ),
        (
            {"coder_training": True},
            "`coder_training` must be one of",
            "coder_training=True",
        ),
        (
            {"preprocessing": "caffe"},
            "`preprocessing` must be one of ('symmetric', 'imagenet', 'none')",
            "preprocessing='caffe'",
        ),
        (
            {"preprocessing": "imagenet", "input_shape": (8, 8, 1)},
            "is defined for RGB",
            "input_shape=(8, 8, 1) with 1 channel",
        ),
        (
            {"code_ratio": 0},
            "`code_ratio` is a width as a share of a stage's and must be a "
            "number more",
            "code_ratio=0",
        ),
        ({"code_ratio": 2.0}, "at most 1", "code_ratio=2.0"),
        (
            {"code_placement": "inside"},
            "`code_placement` must be one of ('add', 'concat')",
            "code_placement='inside'",
        ),
        (
            {"learner_ratio": 0.5},
            "Take `code_placement='concat'`",
            "learner_ratio=0.5 with code_placement='add'",
        ),
        ({"learner_ratio": 0}, "a number more than 0", "learner_ratio=0"),
        (
            {"learner_ratio": float("inf"), "code_placement": "concat"},
            "a number more than 0",
            "learner_ratio=inf",
        ),
        (
            {"shared_learners": (3,)},
            "by their numbers, out of (1, 2)",
            "shared_learners=(3,)",
        ),
        ({"shared_learners": (2, 2)}, "each once", "shared_learners=(2, 2)"),
        ({"shared_learners": [[1]]}, "by their", "shared_learners=[[1]]"),
        ({"shared_learners": 2}, "`shared_learners`", "shared_learners=2"),
        ({"norm": "layer"}, "`norm` must be one of", "norm='layer'"),
        ({"pooling": "mean"}, "`pooling` must be one of", "pooling='mean'"),
        ({"classes": 0}, "`classes` must be a positive", "classes=0"),
        ({"classes": "10"}, "`classes` must be a positive", "classes='10'"),
        ({"data_format": "NCHW"}, "channels_first", "data_format='NCHW'"),
        (
            {"input_shape": (7, 8, 3)},
            "at least 8x8",
            "input_shape=(7, 8, 3)",
        ),
        (
            {"input_shape": (3, 32, 32)},
            "at least 8x8",
            "input_shape=(3, 32, 32) with data_format='channels_last'",
        ),
        (
            {"input_shape": (8, 8)},
            "shape of one image",
            "input_shape=(8, 8)",
        ),
        (
            {"input_shape": (None, 8, 8, 3)},
            "without the batch",
            "input_shape=(None, 8, 8, 3)",
        ),
        ({"input_shape": 32}, "shape of one image", "input_shape=32"),
        (
            {"input_shape": (8, 8, None)},
            "number of channels must be known",
            "input_shape=(8, 8, None)",
        ),
        (
            {"input_shape": (3, 8, 7), "data_format": "channels_first"},
            "at least 8x8",
            "input_shape=(3, 8, 7) with data_format='channels_first'",
        ),
    ],
)
@pytest.mark.parametrize("internal_path", ["coder", "none"])
def test_wrong_arguments(kwargs, rule, received, internal_path):
    kwargs = {"internal_path": internal_path, **kwargs}
    with pytest.raises(ValueError) as error:
        PlainResNet20(**kwargs)
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)


@pytest.mark.parametrize(
    ("blocks", "filters"),
    [
        ((1, 1), (4,)),
        ((0, 1), (4, 8)),
        ((1, 1), (4, -8)),
        ((1.0,), (4,)),
        ((), ()),
        (1, 4),
    ],
)
def test_wrong_stages(blocks, filters):
    with pytest.raises(ValueError) as error:
        PlainResNet(blocks, filters)
    assert "must be equally long, non-empty" in str(error.value)
    received = f"blocks_per_stage={blocks}, filters_per_stage={filters}"
    assert f"Received: {received}" in str(error.value)


def test_stages_cannot_become_narrower():
    rule = r"cannot be narrower.*Received: filters_per_stage=\(8, 4\)"
    with pytest.raises(ValueError, match=rule):
        PlainResNet((1, 1), (8, 4))


def test_unknown_classifier_activation():
    with pytest.raises(ValueError, match="softmaxx"):
        PlainResNet((1,), (4,), classifier_activation="softmaxx")


@pytest.mark.parametrize("weights", ["imagenet", "CIFAR10", 5, True])
def test_unknown_tags(weights):
    for constructor in (PlainResNet20, PlainResNet32):
        with pytest.raises(ValueError) as error:
            constructor(weights=weights)
        assert "`weights` must be None, the path of" in str(error.value)
        assert f"Received: weights={weights!r}" in str(error.value)
        assert "plain_resnet20.cifar10" in str(error.value)


def test_unknown_keywords_are_refused():
    with pytest.raises(TypeError, match="alpha"):
        PlainResNet20(alpha=1.0)


def test_catalog():
    assert list_models("plain_resnet*") == [
        f"plain_resnet{depth}"
        for depth in (18, 34, 50, 101, 152, 20, 32, 44, 56, 110)
    ]
    assert list_models("*vit*") == [
        f"plain_vit_{size}16" for size in ("tiny", "small", "base")
    ]
    assert list_models("*net5?") == ["plain_resnet50", "plain_resnet56"]
    assert list_models("mobile*") == []
    assert len(list_models("plain_mobilenet_v2_*")) == 6
    model = create_model("plain_resnet20", name="mine", input_shape=(8, 8, 3))
    assert isinstance(model, keras.Model)
    assert model.name == "mine"
    assert all(name.split(".")[0] in list_models() for name in list_weights())


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("PlainResNet56", "plain_resnet56"), ("plain_resnet2", "plain_resnet20")],
)
def test_unknown_names_get_the_nearest(name, nearest):
    with pytest.raises(ValueError) as error:
        create_model(name)
    message = str(error.value)
    assert "keras_pnnh.list_models()" in message
    assert f"Received: name={name!r}. Nearest: " in message
    assert nearest in message.split("Nearest: ")[1]


def test_names_are_strings():
    with pytest.raises(ValueError, match="Received: name=20"):
        create_model(20)
