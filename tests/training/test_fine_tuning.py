"""Frozen stages and learning rates by stage, with `model.fit`."""

import importlib.util
import itertools
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from families import FAMILIES
from harness import randomize, to_numpy

from keras_pnnh.applications import PlainResNet
from keras_pnnh.data import LabelledImages
from keras_pnnh.layers import Coder, PlainConv2D
from keras_pnnh.training import (
    freeze,
    scale_learning_rates,
)

sys.path.append(str(Path(__file__).parents[2] / "examples"))

import transfer_learning  # noqa: E402

LABELS = np.array([0, 1, 0, 1])


def build(**kwargs):
    model = PlainResNet(
        (1, 1), (8, 8), classes=2, input_shape=(8, 8, 3), **kwargs
    )
    randomize(model, seed=1)
    return model


def fit(model, images, optimizer):
    """One step; how far each variable moved, by path."""
    before = [np.array(value) for value in model.get_weights()]
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(images, LABELS, verbose=0, shuffle=False)
    return {
        variable.path: value - old
        for variable, value, old in zip(
            model.variables, model.get_weights(), before, strict=True
        )
    }


def test_frozen_stages_stand_still(images):
    model = build(coder_training="scaled")
    frozen = freeze(model, until="stage2")
    assert frozen == [
        "stem_conv",
        "stage1_coder",
        "stage1_block1_conv1",
        "stage1_block1_conv2",
    ]
    moved = fit(model, images, keras.optimizers.SGD(0.1))
    for path, change in moved.items():
        # Moving statistics included: a frozen norm does not collect any.
        still = path.startswith(("stem", "stage1"))
        assert (np.abs(change).max() == 0) == still, path
    names = {path.split("/")[-1] for path in moved}
    assert {"moving_mean", "coder_scale", "encoder"} <= names


@pytest.mark.parametrize("norm", ["learner", "kernel"])
def test_a_frozen_layer_computes_the_same_in_training(norm, images):
    model = build(norm=norm)
    assert np.ptp(to_numpy(model(images, training=True))) > 0
    freeze(model, until="head")
    for layer in model.layers:
        if isinstance(layer, PlainConv2D) and layer.batch_norm is not None:
            assert not layer.batch_norm.trainable
    np.testing.assert_array_equal(
        to_numpy(model(images, training=True)), to_numpy(model(images))
    )


@pytest.mark.torch_only
def test_thawing_goes_backwards():
    model = build()
    assert len(freeze(model)) > 4
    assert {v.path for v in model.trainable_variables} == {
        "head/kernel",
        "head/bias",
    }
    freeze(model, until="stage2_block1_conv2")
    paths = {v.path.split("/")[0] for v in model.trainable_variables}
    assert paths == {"stage2_block1_conv2", "head"}
    assert freeze(model, until="stem") == []
    expected = {v.path for v in build().trainable_variables}
    assert {v.path for v in model.trainable_variables} == expected
    # A coder that was built frozen is not thawed.
    coders = [layer for layer in model.layers if isinstance(layer, Coder)]
    assert not any(coder.trainable_variables for coder in coders)


@pytest.mark.slow_on_jax
@pytest.mark.parametrize("family", ["plain_mobilenet_v2", "plain_vit"])
def test_other_families_freeze_by_stage_or_block(family, images):
    model = FAMILIES[family].build(classes=2, coder_training="scaled")
    randomize(model, seed=1)
    until = {"plain_mobilenet_v2": "stage3", "plain_vit": "block2"}[family]
    frozen = freeze(model, until=until)
    moved = fit(model, images, keras.optimizers.SGD(0.1))
    assert any(name.endswith("coder") for name in frozen)
    # By layer: behind a clip at 6 some of its variables may rest.
    changed = {path.split("/")[0] for path in moved if moved[path].any()}
    named = {path.split("/")[0] for path in moved}
    assert changed == named - set(frozen)


@pytest.mark.torch_only
def test_layers_of_a_backbone_inside_a_model():
    backbone = PlainResNet(
        (1, 1), (8, 8), include_top=False, input_shape=(8, 8, 3)
    )
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalMaxPooling2D()(backbone(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="mine")(x))
    freeze(model, until="stage2")
    names = {v.path.split("/")[-2] for v in model.trainable_variables}
    assert "mine" in names
    assert not any(name.startswith(("stem", "stage1")) for name in names)
    assert freeze(model, until="mine")[-1] == "stage2_block1_conv2"


def test_every_stage_has_its_rate(images):
    full = fit(build(), images, keras.optimizers.SGD(1.0))
    model = build()
    factors = {"stem": 0.01, "stage2": 0.1, "stage2_block1_conv1": 0.2}
    optimizer = scale_learning_rates(model, keras.optimizers.SGD(1.0), factors)
    scaled = fit(model, images, optimizer)
    for path, factor in (
        ("stem_conv", 0.01),
        ("stage1_block1_conv1", 1.0),
        ("stage2_block1_conv1", 0.2),
        ("stage2_block1_conv2", 0.1),
        ("head", 1.0),
    ):
        change = full[f"{path}/kernel"]
        assert np.abs(change).max() > 1e-3
        np.testing.assert_allclose(
            scaled[f"{path}/kernel"], factor * change, rtol=1e-2, atol=1e-5
        )


def test_schedules_decay_and_files(images, tmp_path):
    """Adam, whose steps do not depend on the scale of a gradient."""
    model = build()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    optimizer = scale_learning_rates(
        model, keras.optimizers.AdamW(schedule, weight_decay=0.5), 0.1
    )
    moved = fit(model, images, optimizer)
    for path, rate in (("head/bias", 0.1), ("stem_conv/batch_norm/beta", 1e-4)):
        # The first step of Adam is the rate; norm and bias do not decay.
        np.testing.assert_allclose(np.abs(moved[path]).max(), rate, rtol=0.01)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    rates = [
        float(to_numpy(part.learning_rate))
        for part in loaded.optimizer.optimizers
    ]
    assert rates == pytest.approx([5e-5, 5e-4, 5e-3, 0.05])
    loaded.fit(images, LABELS, verbose=0)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("factors", "rule", "received"),
    [
        (0.0, "must be positive", "factors=0.0"),
        ({"stem": -1.0}, "must be positive", "factors={'stem': -1.0}"),
        ({"stage3": 0.1}, "must name layers", "factors with 'stage3'"),
    ],
)
def test_wrong_factors(factors, rule, received):
    with pytest.raises(ValueError) as error:
        scale_learning_rates(build(), keras.optimizers.SGD(0.1), factors)
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)


@pytest.mark.parametrize(
    ("form", "package"),
    [("numpy", "numpy"), ("tf.data", "tensorflow"), ("grain", "grain")],
)
def test_every_form_of_input_fits(form, package, images):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}")
    data = LabelledImages(images.astype("uint8"), LABELS, ("a", "b"))
    batches = transfer_learning.INPUTS[form](data, batch_size=2)
    # Some of them repeat without an end.
    first = itertools.islice(iter(batches), 2)
    seen = [label for _, labels in first for label in np.asarray(labels)]
    assert sorted(seen) == sorted(LABELS)
    model = build()
    freeze(model)
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(
        batches, epochs=2, steps_per_epoch=2, shuffle=False, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.torch_only
def test_unknown_stages():
    with pytest.raises(ValueError) as error:
        freeze(build(), until="stage9")
    assert "Received: until with 'stage9'. Nearest: stage" in str(error.value)


@pytest.mark.parametrize("until", ["stem", "stage2", "head"])
def test_norms_stay_in_inference_under_fit(images, until):
    model = build()
    freeze(model, until=until, norms=True)
    moved = fit(model, images, keras.optimizers.SGD(0.1))
    norms = {path: change for path, change in moved.items() if "norm" in path}
    assert norms
    for path, change in norms.items():
        np.testing.assert_array_equal(change, 0, err_msg=path)
    assert np.abs(moved["head/kernel"]).max() > 0
    if until == "stem":
        assert any(
            np.abs(change).max() > 0
            for path, change in moved.items()
            if path.startswith("stage1") and path not in norms
        )


def test_norms_of_layers_of_any_origin(images):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(2, activation="softmax", name="top")(x)
    model = keras.Model(inputs, x)
    freeze(model, until="conv", norms=True)
    moved = fit(model, images, keras.optimizers.SGD(0.1))
    for path, change in moved.items():
        stands = path.startswith("norm")
        assert (np.abs(change).max() == 0) == stands, path


def test_without_the_argument_norms_thaw_again(images):
    model = build()
    freeze(model, until="stem", norms=True)
    freeze(model, until="stem")
    moved = fit(model, images, keras.optimizers.SGD(0.1))
    assert any(np.abs(v).max() > 0 for p, v in moved.items() if "norm" in p)


@pytest.mark.parametrize(
    "callback, factor",
    [
        (
            keras.callbacks.ReduceLROnPlateau(
                "loss", factor=0.1, patience=0, min_delta=1e9
            ),
            0.1,
        ),
        (keras.callbacks.LearningRateScheduler(lambda _, rate: rate / 2), 0.25),
        (keras.callbacks.LearningRateScheduler(lambda _, rate: 3 * rate), 9.0),
    ],
    ids=["plateau", "half", "three times"],
)
def test_callbacks_set_the_rates_of_all_groups(images, callback, factor):
    """As docs/fine_tuning.md says: the groups keep their proportions."""
    model = build()
    optimizer = scale_learning_rates(model, keras.optimizers.SGD(0.08), 0.5)
    before = [float(part.learning_rate) for part in optimizer.optimizers]
    assert len(set(before)) > 1
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(images, LABELS, epochs=2, verbose=0, callbacks=[callback])
    after = [float(part.learning_rate) for part in optimizer.optimizers]
    np.testing.assert_allclose(after, factor * np.array(before), rtol=1e-5)
