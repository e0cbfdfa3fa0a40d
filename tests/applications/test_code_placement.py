"""A code in channels of its own: the path across a whole block."""

import numpy as np
import pytest
from folding import folded_equals
from folding import images as noise

from keras_pnnh import audit
from keras_pnnh.analysis import predict_survival
from keras_pnnh.applications import PlainResNet, PlainResNet20, PlainResNet56
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import PlainConv2D

CONCAT = {
    "code_placement": "concat",
    "learner_ratio": 0.5,
    "code_ratio": 0.5,
}


def small(**kwargs):
    arguments = {"input_shape": (8, 8, 3), **CONCAT, **kwargs}
    return PlainResNet((1, 2), (8, 16), **arguments)


def test_learners_are_half_and_the_folded_chain_is_the_same():
    model, added = PlainResNet56(**CONCAT), PlainResNet56()
    twin = PlainResNet56(internal_path="residual")
    assert model.count_params() < 0.52 * twin.count_params()
    reports = audit(model), audit(added)
    for name in ("macs", "folded_parameters", "depth"):
        assert len({getattr(report, name) for report in reports}) == 1


def test_with_a_full_code_it_is_as_wide_as_both():
    model = PlainResNet56(code_placement="concat")
    layers = (model.get_layer(f"stage3_block2_conv{k}") for k in (1, 2))
    shapes = [(layer.kernel_shape, layer.learner_shape) for layer in layers]
    assert shapes == [
        ((3, 3, 64, 128), (3, 3, 64, 64)),
        ((3, 3, 128, 64), (3, 3, 64, 64)),
    ]


def test_every_path_has_the_same_learners():
    coder, twin, plain = (
        small(internal_path=path) for path in ("coder", "residual", "none")
    )
    assert twin.count_params() == plain.count_params()
    for layer in twin.layers:
        if isinstance(layer, PlainConv2D):
            learner = coder.get_layer(layer.name).learner_shape
            assert learner == layer.kernel_shape


@pytest.mark.parametrize("shared_learners", [(), (1, 2)])
@pytest.mark.parametrize("norm", ["learner", "kernel"])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_it_folds_to_a_chain(block, norm, shared_learners):
    model = small(
        block=block,
        norm=norm,
        shared_learners=shared_learners,
        include_top=False,
    )
    folded = folded_equals(model, noise(2, 8, 8, 3), compiled=True)
    assert audit(folded).plain
    assert audit(model).folded_parameters == folded.count_params()


def test_a_code_has_its_channels_through_a_whole_bottleneck():
    model = small(block="bottleneck")
    coder = model.get_layer("stage2_coder")
    assert (coder.filters, coder.code_filters) == (64, 8)
    roles = {
        layer.name: (layer.code_channels, layer.code_filters)
        for layer in model.layers
        if isinstance(layer, PlainConv2D)
    }
    assert roles["stem_conv"] == (0, 0)
    assert roles["stage2_block1_conv1"] == (0, 8)
    assert roles["stage2_block1_conv2"] == (8, 8)
    assert roles["stage2_block1_conv3"] == (8, 0)


def test_only_the_learner_beside_the_carried_signal_has_a_small_gain():
    model = PlainResNet20(**CONCAT)
    gammas = {
        number: to_numpy(
            model.get_layer(f"stage1_block1_conv{number}").batch_norm.gamma
        )
        for number in (1, 2)
    }
    np.testing.assert_allclose(gammas[1], 1.0)
    np.testing.assert_allclose(gammas[2], 0.3)


def test_theory_follows_the_code():
    """Half of the channels are carried: more survives than without a path."""
    predicted = {
        path: list(
            predict_survival(
                PlainResNet((6,), (64,), internal_path=path, **CONCAT),
                noise(8, 32, 32, 3),
            ).values()
        )
        for path in ("coder", "none")
    }
    assert predicted["coder"][-1] > 0.7
    np.testing.assert_allclose(predicted["none"], 0.5, atol=0.02)
