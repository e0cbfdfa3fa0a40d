"""Pre-norm Transformers, ours and those that people write."""

import keras
import numpy as np
import pytest
from conversion_checks import convert, noise, relative_difference
from harness import CHANNELS_FIRST_WORKS, kernels_from_numpy, randomize
from keras import layers
from transformer_sources import (
    BLOCKS,
    convnext,
    residual_mlp,
    tokens,
    vision_transformer,
)

from keras_pnnh import pass_through
from keras_pnnh.applications.plain_vit import PlainViT
from keras_pnnh.auditing import audit
from keras_pnnh.folding import fold
from keras_pnnh.graph import Tensor
from keras_pnnh.layers import TokenEmbedding
from keras_pnnh.pass_through import from_residual
from keras_pnnh.pass_through.conversion.merge_norms import merge_norms
from keras_pnnh.pass_through.conversion.operations import (
    Linear,
    Mix,
    Norm,
    Term,
)
from keras_pnnh.pass_through.layers import (
    CarryActivation,
    CarryAttention,
    CarryDense,
    CarryNormalization,
)


def twin(**arguments):
    model = PlainViT(
        **{
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 8,
            "mlp_dim": 12,
            "patch_size": 4,
            "input_shape": (8, 12, 3),
            "classes": 3,
            "internal_path": "residual",
            **arguments,
        }
    )
    randomize(model, seed=0)
    return model


def test_our_twin():
    """Kernel, division, mixing, merge: what is carried is the stream alone."""
    model = twin()
    plain, certificate = convert(model)
    assert not audit(model).plain
    assert certificate.pass_through_channels == 8
    assert audit(plain).peak_activation == audit(model).peak_activation
    attention = [CarryDense, CarryNormalization, CarryAttention, CarryDense]
    mlp = [CarryDense, CarryNormalization, CarryActivation, CarryDense]
    assert [type(layer) for layer in plain.layers] == [
        layers.InputLayer,
        layers.Rescaling,
        layers.Conv2D,
        TokenEmbedding,
        *2 * (attention + mlp),
        layers.LayerNormalization,
        layers.Cropping1D,
        layers.Flatten,
        layers.Dense,
    ]


def write_out(model, plain, certificate, images):
    """`+-` pairs through the GELU, in layers that are called `Dense`."""
    written_out = pass_through.write_out(plain)
    assert relative_difference(model, written_out, images) < 1e-5
    classes = {type(layer) for layer in written_out.layers}
    assert not classes & {CarryActivation, CarryDense}
    report = audit(written_out)
    assert report.chain
    assert report.macs == certificate.written_out_macs
    assert report.parameters == certificate.written_out_parameters


def test_our_twin_written_out():
    model = twin(num_layers=1)
    plain, certificate = from_residual(model)
    write_out(model, plain, certificate, noise(model))
    # Of the kernels of a ViT, with a hidden layer of 4 widths; see DESIGN.md.
    model = twin(hidden_dim=32, mlp_dim=128, num_layers=3)
    kernels = 3 * 12 * 32**2 * 7
    plain, certificate = from_residual(model)
    assert certificate.written_out_macs - certificate.macs == kernels // 2


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "arguments",
    [
        {"class_token": False, "dropout_rate": 0.1},
        {"include_top": False, "pooling": None},
        pytest.param(
            {"data_format": "channels_first", "input_shape": (3, 8, 12)},
            marks=pytest.mark.skipif(
                not CHANNELS_FIRST_WORKS,
                reason="TensorFlow convolves channels first on a GPU only",
            ),
        ),
    ],
)
def test_other_forms_of_our_twin(arguments):
    plain, certificate = from_residual(twin(**arguments))
    assert certificate.largest_relative_difference < 1e-5
    assert audit(plain).pass_through_channels == 8


@pytest.mark.torch_only
@pytest.mark.parametrize("internal_path", ["coder", "none"])
def test_a_chain_stays_one(internal_path):
    model = twin(internal_path=internal_path, mlp_dim=16)
    plain, certificate = from_residual(model)
    assert certificate.exact and certificate.pass_through_channels == 0
    names = [layer.name for layer in fold(model).layers]
    assert [layer.name for layer in plain.layers] == names
    twice, _ = from_residual(plain)
    assert twice.to_json() == plain.to_json()


def test_a_chain_saves_and_loads(tmp_path):
    plain, _ = from_residual(twin())
    plain.save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    images = noise(plain)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(images)),
        keras.ops.convert_to_numpy(plain(images)),
    )
    assert relative_difference(plain, loaded, images) == 0


def convert_source(make):
    with kernels_from_numpy():
        model = make()
    randomize(model, seed=1)
    config = model.to_json()
    plain, certificate = from_residual(model)
    assert model.to_json() == config
    # Norms of constant tokens, which the probe has, amplify rounding.
    assert certificate.exact
    assert certificate.top1_agreement == 1
    assert audit(plain, leave_out_unknown=True).chain
    assert certificate.macs == certificate.source_macs
    shape = (4, *model.input_shape[1:])
    probe = np.random.default_rng(1).standard_normal(shape) * 3
    images = probe.astype("float32")
    assert relative_difference(model, plain, images) < 1e-5
    return model, plain, certificate, images


@pytest.mark.torch_only
@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_transformers_of_other_people(block):
    model, plain, certificate, images = convert_source(
        lambda: tokens(BLOCKS[block])
    )
    assert certificate.pass_through_channels > 0
    if block == "post_norm":  # with a norm between the pairs and the stream
        write_out(model, plain, certificate, images)
    if block == "parallel":  # what waits beside the GELU has been made there
        assert certificate.written_out_macs is None
        with pytest.raises(ValueError, match="without `write_out`"):
            pass_through.write_out(plain)


@pytest.mark.torch_only
def test_a_vision_transformer_of_layers_that_hold_layers():
    _, plain, certificate, _ = convert_source(vision_transformer)
    names = [layer.name for layer in plain.layers]
    assert (
        "encoder1_mlp_first" in names and "encoder2_attention_mixing" in names
    )
    # What another layer costs is not known: said, and not refused.
    assert certificate.uncounted == ("positions",)
    assert "without those of layer 'positions'" in str(certificate)


@pytest.mark.torch_only
@pytest.mark.parametrize("make", [convnext, residual_mlp])
def test_kin_of_transformers(make):
    convert_source(make)


@pytest.mark.torch_only
def test_a_kernel_takes_in_the_norm_before_it():
    rng = np.random.default_rng(0)
    stream, normed, made = (Tensor((None, 5, n)) for n in (8, 8, 6))
    gain, offset, kernel, bias = (
        rng.standard_normal(shape) for shape in (8, 8, (8, 6), 6)
    )
    norm = Norm("norm", None, stream, normed, 0.1, False, gain, offset)
    linear = Linear("dense", "dense", "float64", 6, kernel, bias)
    dense = Mix("dense", "float64", [Term(normed, linear)], made)
    carry = Mix("carry", "float64", [Term(stream)], Tensor(stream.shape))
    inner, divided, _ = merge_norms([norm, dense, carry], made)
    assert divided.sources == [inner.target, stream]
    x = rng.standard_normal((5, 8)) + 3
    sigma = np.sqrt(x.var(-1, keepdims=True) + 0.1)
    want = (x - x.mean(-1, keepdims=True)) / sigma * gain + offset
    want = want @ kernel + bias
    got = x @ inner.terms[0].linear.kernel / sigma + divided.bias
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
