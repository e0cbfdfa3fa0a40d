import keras
import numpy as np
import pytest
from harness import check_layer, compute_gradients, to_numpy

from keras_pnnh import theory
from keras_pnnh.applications import PlainResNet
from keras_pnnh.layers import Coder

INITIALIZERS = ("closed_form", "orthogonal_pairs", "random")


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("gradient_scale", [0.25, 1.0])
def test_is_a_well_behaved_layer(tmp_path, gradient_scale):
    kwargs = {
        "filters": 6,
        "code_filters": 8,
        "activation": "gelu",
        "initializer": "orthogonal_pairs",
        "gradient_scale": gradient_scale,
        "axis": 1,
        "seed": 3,
        "code_gain": 0.5,
    }
    check_layer(Coder, kwargs, [(5, 4, 2, 3)], trainable=2, folder=tmp_path)


@pytest.mark.parametrize(
    ("part", "trainable"), [("encoder", 0), ("decoder", 0)]
)
def test_its_matrices_are_well_behaved(tmp_path, part, trainable):
    kwargs = {"filters": 6, "code_filters": 8}
    check_layer(Coder, kwargs, [(5, 4)], trainable, tmp_path, part=part)


@pytest.mark.parametrize("code_filters", [None, 6, 8, 11])
def test_full_width_is_perfect_for_rectified_inputs(code_filters):
    coder = Coder(6, code_filters)
    x = np.maximum(normal(5, 3, 3, 6), 0)
    np.testing.assert_array_equal(to_numpy(coder(x)), x)
    assert coder.reconstruction_error(samples=64) == 0.0
    assert np.abs(to_numpy(coder(-x))).max() == 0.0


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "softplus"])
@pytest.mark.parametrize("initializer", ["closed_form", "orthogonal_pairs"])
@pytest.mark.parametrize("code_filters", [12, 15])
def test_double_width_is_perfect_for_any_inputs(
    activation, initializer, code_filters
):
    coder = Coder(6, code_filters, activation, initializer)
    x = normal(5, 6)
    np.testing.assert_allclose(to_numpy(coder(x)), x, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("initializer", ["closed_form", "orthogonal_pairs"])
@pytest.mark.parametrize("code_gain", [1.0, 0.25])
def test_pairs_pass_a_relu6_within_its_bound_over_the_gain(
    initializer, code_gain
):
    coder = Coder(6, 12, "relu6", initializer, code_gain=code_gain)
    x = normal(5, 6)
    largest = np.abs(x @ to_numpy(coder(x, part="encoder"))).max() / code_gain
    # Just within the bound, and beyond.
    x *= 5.99 / (code_gain * largest)
    np.testing.assert_allclose(to_numpy(coder(x)), x, rtol=1e-4, atol=1e-4)
    assert np.abs(to_numpy(coder(1.2 * x)) - 1.2 * x).max() > 0.5


@pytest.mark.parametrize("code_filters", range(1, 6))
def test_narrow_closed_form_attains_the_bound(code_filters):
    coder = Coder(6, code_filters)
    bound = theory.reconstruction_error_bound(6, code_filters)
    # Of 65,536 squares of a normal number the mean is 0.6 % off, as a rule.
    assert coder.reconstruction_error() == pytest.approx(bound, rel=0.02)
    averages = to_numpy(coder(np.eye(6, dtype="float32")))
    assert np.linalg.matrix_rank(averages, tol=1e-5) == code_filters


def test_reconstruction_error_is_measured_on_the_rectified_normal():
    coder = Coder(3)
    coder.build((None, 3))
    coder.set_weights([np.zeros((3, 3)), np.zeros((3, 3))])
    error = coder.reconstruction_error()
    assert error == pytest.approx(theory.SECOND_MOMENT, rel=0.02)
    assert error != coder.reconstruction_error(seed=1)


@pytest.mark.parametrize("code_filters", [2, 6])
def test_selection_keeps_the_first_channels(code_filters):
    coder = Coder(6, code_filters, initializer="selection")
    kept = to_numpy(coder(np.eye(6, dtype="float32")))
    np.testing.assert_array_equal(kept, np.diag(np.arange(6) < code_filters))


@pytest.mark.parametrize("code_filters", [2, 4, 5])
def test_narrow_orthogonal_pairs_project_on_half_the_code(code_filters):
    coder = Coder(6, code_filters, initializer="orthogonal_pairs")
    projection = to_numpy(coder(np.eye(6, dtype="float32")))
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-6)
    assert np.trace(projection) == pytest.approx(code_filters // 2, abs=1e-5)


@pytest.mark.parametrize("code_filters", [2, 6, 9])
def test_random_is_orthogonal_and_follows_the_seed(code_filters):
    matrices = {}
    for seed in (0, 0, 1):
        coder = Coder(6, code_filters, initializer="random", seed=seed)
        encoder = to_numpy(coder(normal(1, 6), part="encoder"))
        decoder = to_numpy(coder(normal(1, 6), part="decoder"))
        np.testing.assert_array_equal(encoder, decoder.T)
        narrow = encoder if code_filters < 6 else encoder.T
        gram = narrow.T @ narrow
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)
        known = matrices.setdefault(seed, encoder)
        np.testing.assert_array_equal(known, encoder)
    assert np.abs(matrices[0] - matrices[1]).max() > 0.1


def test_a_random_rotation_loses_much():
    coder = Coder(32, initializer="random")
    assert coder.reconstruction_error(4096) > 0.5 * theory.VARIANCE


@pytest.mark.parametrize("gradient_scale", [0.125, 0.3, 1.0])
@pytest.mark.parametrize("part", ["reconstruction", "encoder", "decoder"])
def test_gradient_scale_scales_gradients_and_nothing_else(gradient_scale, part):
    x = np.maximum(normal(7, 6), 0)
    scaled, free = (
        Coder(6, 4, initializer="random", gradient_scale=scale, name="coder")
        for scale in (gradient_scale, 1.0)
    )
    outputs = [to_numpy(coder(x, part=part)) for coder in (scaled, free)]
    np.testing.assert_array_equal(*outputs)
    gradients = compute_gradients(scaled, [x], part=part)
    expected = compute_gradients(free, [x], part=part)
    assert (
        gradients.keys()
        == expected.keys()
        == {"coder/encoder", "coder/decoder"}
    )
    for path, gradient in gradients.items():
        np.testing.assert_allclose(
            gradient, gradient_scale * expected[path], rtol=1e-5, atol=1e-7
        )
        used = part == "reconstruction" or path.endswith(part)
        assert np.any(expected[path]) == used


@pytest.mark.parametrize("gradient_scale", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_matrices_are_tensors_and_not_the_variables(part, gradient_scale):
    coder = Coder(6, gradient_scale=gradient_scale)
    matrix = coder(normal(1, 6), part=part)
    assert not isinstance(matrix, keras.Variable)


def test_frozen_coder_cannot_be_thawed():
    model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    model.trainable = False
    model.trainable = True
    for layer in model.layers:
        layer.trainable = True
    frozen = {variable.path for variable in model.non_trainable_variables}
    coders = [layer for layer in model.layers if isinstance(layer, Coder)]
    assert len(coders) == 2
    for coder in coders:
        assert coder.trainable_variables == []
        assert {variable.path for variable in coder.variables} <= frozen


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize("part", ["reconstruction", "encoder"])
def test_missing_channels_count_as_zeros(initializer, part):
    coder = Coder(6, 8, initializer=initializer)
    x = normal(5, 2, 2, 4)
    padded = np.pad(x, [(0, 0), (0, 0), (0, 0), (0, 2)])
    narrow, wide = (
        to_numpy(coder(inputs, part=part)) for inputs in (x, padded)
    )
    if part == "encoder":
        assert narrow.shape == (4, 8)
        wide = wide[:4]
    np.testing.assert_allclose(narrow, wide, atol=1e-6)


@pytest.mark.parametrize("axis", [1, 2, -2])
def test_axis_moves_the_channels(axis):
    last = Coder(6, 4)
    moved = Coder(6, 4, axis=axis)
    x = normal(5, 3, 2, 4)
    outputs = to_numpy(moved(np.moveaxis(x, -1, axis)))
    expected = np.moveaxis(to_numpy(last(x)), -1, axis)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    error = moved.reconstruction_error(256)
    assert error == pytest.approx(last.reconstruction_error(256), rel=1e-5)


@pytest.mark.parametrize(
    ("kwargs", "rule", "received"),
    [
        ({"filters": 0}, "`filters` must be a positive", "filters=0"),
        ({"filters": 2.0}, "`filters` must be a positive", "filters=2.0"),
        ({"filters": True}, "`filters` must be a positive", "filters=True"),
        (
            {"filters": 4, "code_filters": 0},
            "`code_filters` must be a positive",
            "code_filters=0",
        ),
        (
            {"filters": 4, "initializer": "identity"},
            "closed_form",
            "initializer='identity'",
        ),
        (
            {"filters": 4, "code_gain": 0},
            "must be a positive number",
            "code_gain=0",
        ),
        (
            {"filters": 4, "gradient_scale": 1.5},
            "between 0",
            "gradient_scale=1.5",
        ),
        (
            {"filters": 4, "gradient_scale": -1},
            "between 0",
            "gradient_scale=-1",
        ),
    ],
)
def test_arguments_out_of_range(kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        Coder(**kwargs)
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)


def test_pairs_need_two_units():
    with pytest.raises(ValueError, match="2 filters.*Received: code_filters=1"):
        Coder(4, 1, initializer="orthogonal_pairs")(normal(1, 4))


def test_unknown_part():
    with pytest.raises(
        ValueError, match="`part` must be.*Received: part='both'"
    ):
        Coder(4)(normal(1, 4), part="both")


@pytest.mark.parametrize("part", ["reconstruction", "encoder"])
def test_inputs_wider_than_the_stage(part):
    rule = r"4 filters takes at most.*Received: inputs of shape \(1, 5\)"
    with pytest.raises(ValueError, match=rule):
        Coder(4)(normal(1, 5), part=part)
    with pytest.raises(ValueError, match="takes at most"):
        Coder(4)(keras.Input((5,)), part=part)
