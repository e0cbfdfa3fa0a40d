import re

import keras
import pytest
from keras import layers

from keras_pnnh.analysis import preflight
from keras_pnnh.analysis.faults import (
    COLLAPSE_REPAIRS,
    GRADIENT_REPAIRS,
    LOSS_REPAIRS,
)
from keras_pnnh.analysis.internal_path import has_internal_path
from keras_pnnh.applications import PlainResNet
from keras_pnnh.layers import Coder
from tests.analysis import faulty


def kinds(result):
    return {fault.kind: fault for fault in result.faults}


@pytest.mark.every_backend
def test_a_sound_chain_is_ready():
    result = preflight(faulty.chain(), faulty.inputs(), maximum_images=None)
    assert result.verdict == "ready"
    assert not result.faults
    assert 0.05 < result.score < 1


@pytest.mark.parametrize(
    ("plant", "kind", "verdict"),
    [
        (faulty.plant_dead_layer, "dead layer", "will not train"),
        (faulty.plant_collapse, "collapse", "will not train"),
        (faulty.plant_rank_loss, "rank loss", "at risk"),
        (faulty.plant_not_finite, "not finite", "will not train"),
    ],
)
def test_planted_faults_are_named_where_they_are(plant, kind, verdict):
    model = faulty.chain()
    plant(model)
    result = preflight(model, faulty.inputs(), maximum_images=None)
    fault = kinds(result)[kind]
    assert (fault.layer, fault.depth) == ("relu4", 4)
    assert result.verdict == verdict
    assert f"{kind} at 'relu4' (depth 4)" in str(result)
    assert fault.repair.endswith(".")


@pytest.mark.parametrize(
    ("gain", "kind"), [(1e-3, "vanishing"), (1e3, "exploding")]
)
def test_gradients_without_norms(gain, kind):
    initializer = keras.initializers.VarianceScaling(2.0 * gain)
    model = keras.Sequential([keras.Input((faulty.WIDTH,))])
    for _ in range(8):
        model.add(
            layers.Dense(faulty.WIDTH, "relu", kernel_initializer=initializer)
        )
    result = preflight(model, faulty.inputs())
    assert f"{kind} gradient" in kinds(result)


def test_a_deep_plain_chain_loses_the_input():
    model = keras.Sequential([keras.Input((faulty.WIDTH,))])
    for _ in range(20):
        model.add(layers.Dense(faulty.WIDTH, kernel_initializer="he_normal"))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    result = preflight(model, faulty.inputs(), maximum_images=None)
    assert kinds(result)["input lost"].depth < 20
    assert result.score < 0.05
    assert result.verdict == "at risk"


def lossy(path, gain=50.0):
    """Twenty layers that lose their input, with or without a path."""
    x = inputs = keras.Input((faulty.WIDTH,))
    for _ in range(20):
        y = layers.Dense(faulty.WIDTH, kernel_initializer="he_normal")(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        if path == "add":
            # A path that is there, and too weak to carry anything.
            x = layers.Rescaling(1e-6)(x)
            x = layers.Add()([x, y])
        else:
            x = y
    if path == "coder":
        shape = (None, faulty.WIDTH)
        coder = Coder(faulty.WIDTH)
        coder.build(shape)
        x = coder(x)
    return keras.Model(inputs, x)


@pytest.mark.torch_only
@pytest.mark.parametrize("path", [None, "add", "coder"])
def test_no_path_is_advised_where_there_is_one(path):
    model = lossy(path)
    assert has_internal_path(model) == (path is not None)
    result = preflight(model, faulty.inputs(), maximum_images=None)
    assert "input lost" in kinds(result)
    assert ("internal path (`internal_path" in str(result)) == (path is None)


def test_an_application_and_its_twins_have_a_path():
    for path, has in (
        ("coder", True),
        ("residual", True),
        ("pass_through", True),
        ("none", False),
    ):
        model = PlainResNet(
            (1, 1), (4, 8), input_shape=(8, 8, 3), internal_path=path
        )
        assert has_internal_path(model) == has


def test_no_rule_advises_a_path_that_is_there():
    for repairs in (COLLAPSE_REPAIRS, LOSS_REPAIRS, GRADIENT_REPAIRS):
        assert re.search("dd an internal path", repairs[False])
        assert not re.search("dd an internal path", repairs[True])


@pytest.mark.torch_only
def test_a_verdict_that_changes_with_the_images_is_uncertain():
    model = faulty.chain()
    # 64 images are too few for the read-out to be judged, 128 nearly so.
    few = preflight(model, faulty.inputs(128))
    assert (few.half_verdict, few.verdict) == ("ready", "at risk")
    assert not few.certain
    assert "uncertain: ready on 64 of the 128 images, so use more" in str(few)
    many = preflight(model, faulty.inputs(2000), maximum_images=None)
    assert many.certain and many.verdict == "ready"
    assert "uncertain" not in str(many)
    faulty.plant_dead_layer(model)
    dead = preflight(model, faulty.inputs(128))
    assert dead.certain and dead.verdict == "will not train"
