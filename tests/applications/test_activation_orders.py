"""Both forms of the residual twin, against Keras's ResNets and in torch."""

import keras
import numpy as np
import pytest
from harness import check_gradients, randomize, to_numpy

from keras_pnnh import audit, fold
from keras_pnnh.applications import PlainResNet, features

TINY = {
    "blocks_per_stage": (2, 1),
    "filters_per_stage": (8, 16),
    "internal_path": "residual",
    "classes": 3,
    "input_shape": (32, 32, 3),
}


def numpy_images(size=32):
    generator = np.random.default_rng(0)
    return generator.uniform(-1, 1, (2, size, size, 3)).astype("float32")


needs_cheap_models = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="compiles all of ResNet-50"
)


@needs_cheap_models
@pytest.mark.parametrize("order", ["post", "pre"])
def test_keras_has_the_same_blocks(order):
    """Stem and first stage, up to the strides that Keras puts elsewhere.

    `ResNet50` strides in the 1x1 of a stage's first block, we in the 3x3;
    `ResNet50V2` in the last block of a stage, we in the first of the next.
    """
    applications = {
        "post": keras.applications.ResNet50,
        "pre": keras.applications.ResNet50V2,
    }
    blocks = {"post": 3, "pre": 2}[order]
    theirs = applications[order](
        weights=None, include_top=False, input_shape=(32, 32, 3)
    )
    last = theirs.get_layer(f"conv2_block{blocks}_out")
    theirs = keras.Model(theirs.input, last.output)
    randomize(theirs, seed=1)
    ours = PlainResNet(
        (blocks,),
        (64,),
        include_top=False,
        input_shape=(32, 32, 3),
        preprocessing="none",
        internal_path="residual",
        block={"post": "bottleneck", "pre": "bottleneck_v2"}[order],
        stem="7x7_pool",
    )
    copy_from_keras(ours, theirs, order, blocks)
    output = theirs(numpy_images())
    levels = features(ours, ["P2"])(numpy_images())
    scale = np.abs(to_numpy(output)).max()
    np.testing.assert_allclose(
        to_numpy(levels["P2"]) / scale, to_numpy(output) / scale, atol=1e-5
    )


def copy_from_keras(ours, theirs, order, blocks):
    def convolution(name, source, norm=None):
        kernel, *bias = map(to_numpy, theirs.get_layer(source).weights)
        layer = ours.get_layer(name)
        layer.kernel.assign(kernel)
        if layer.bias is not None:
            layer.bias.assign(bias[0])
            return
        copy_norm(layer.batch_norm, norm, bias[0] if bias else 0)

    def copy_norm(norm, source, bias=0):
        gamma, beta, mean, variance = map(
            to_numpy, theirs.get_layer(source).weights
        )
        for variable, value in (
            (norm.gamma, gamma),
            (norm.beta, beta),
            (norm.moving_mean, mean - bias),
            (norm.moving_variance, variance),
        ):
            variable.assign(value)

    convolution("stem_conv", "conv1_conv", "conv1_bn")
    for block in range(1, blocks + 1):
        name, source = f"stage1_block{block}", f"conv2_block{block}"
        if order == "pre":
            copy_norm(ours.get_layer(f"{name}_norm0"), f"{source}_preact_bn")
        for number in (1, 2, 3):
            last = order == "pre" and number == 3
            convolution(
                f"{name}_conv{number}",
                f"{source}_{number}_conv",
                None if last else f"{source}_{number}_bn",
            )
        if block == 1:
            convolution(
                f"{name}_shortcut", f"{source}_0_conv", f"{source}_0_bn"
            )


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("order", ["post", "pre"])
def test_the_twin_equals_torch(order, block):
    """The form of He et al. 2015 and that of He et al. 2016."""
    pytest.importorskip("torch")
    model = PlainResNet(
        **TINY,
        classifier_activation=None,
        preprocessing="none",
        block=block + {"post": "", "pre": "_v2"}[order],
    )
    randomize(model, seed=1)
    expected = torch_forward(model, numpy_images(), order)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        to_numpy(model(numpy_images())) / scale, expected / scale, atol=1e-5
    )


def torch_forward(model, x, order):
    import torch
    from torch.nn import functional

    names = {layer.name for layer in model.layers}

    def tensor(array):
        return torch.from_numpy(np.array(to_numpy(array)))

    def normalized(x, norm):
        return functional.batch_norm(
            x,
            *map(tensor, (norm.moving_mean, norm.moving_variance)),
            *map(tensor, (norm.gamma, norm.beta)),
            eps=1e-5,
        )

    def convolve(x, name, stride=1):
        layer = model.get_layer(name)
        kernel = tensor(layer.kernel).permute(3, 2, 0, 1)
        bias = None if layer.bias is None else tensor(layer.bias)
        x = functional.conv2d(
            x, kernel, bias, stride, padding=kernel.shape[-1] // 2
        )
        return x if bias is not None else normalized(x, layer.batch_norm)

    x = convolve(torch.from_numpy(x).permute(0, 3, 1, 2), "stem_conv")
    if order == "post":
        x = functional.relu(x)
    for stage, blocks in enumerate(TINY["blocks_per_stage"], 1):
        for block in range(1, blocks + 1):
            name = f"stage{stage}_block{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            inputs = x
            if order == "pre":
                norm = model.get_layer(f"{name}_norm0")
                inputs = functional.relu(normalized(x, norm))
            bottleneck = f"{name}_conv3" in names
            first, second = (1, stride) if bottleneck else (stride, 1)
            y = functional.relu(convolve(inputs, f"{name}_conv1", first))
            y = convolve(y, f"{name}_conv2", second)
            if bottleneck:
                y = convolve(functional.relu(y), f"{name}_conv3")
            if f"{name}_shortcut" not in names:
                skip = x
            elif model.get_layer(f"{name}_shortcut").weights:
                skip = convolve(inputs, f"{name}_shortcut", stride)
            else:  # option A: every second pixel, new channels are zero
                skip = x[:, :, ::stride, ::stride]
                spare = y.shape[1] - x.shape[1]
                skip = functional.pad(skip, (0, 0, 0, 0, 0, spare))
            x = y + skip
            if order == "post":
                x = functional.relu(x)
    if order == "pre":
        x = functional.relu(normalized(x, model.get_layer("post_norm")))
    head = model.get_layer("head")
    logits = x.mean((2, 3)) @ tensor(head.kernel) + tensor(head.bias)
    return logits.numpy()


def test_a_pre_activation_twin_is_a_model_like_the_others(tmp_path, images):
    kwargs = {**TINY, "input_shape": (8, 8, 3), "block": "basic_v2"}
    model = PlainResNet(**kwargs)
    randomize(model, seed=1)
    expected = to_numpy(model(images))
    np.testing.assert_allclose(
        to_numpy(fold(model)(images)), expected, rtol=1e-4, atol=1e-5
    )
    report = audit(model)
    assert not report.plain
    assert report.folded_parameters == fold(model).count_params()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(to_numpy(loaded(images)), expected, rtol=1e-5)
    assert loaded.get_config() == model.get_config()
    check_gradients(PlainResNet(**kwargs), [images])


@pytest.mark.parametrize("internal_path", ["coder", "none"])
def test_pre_activation_needs_a_skip(internal_path):
    with pytest.raises(ValueError) as error:
        PlainResNet((1,), (4,), internal_path=internal_path, block="basic_v2")
    message = str(error.value)
    assert "with the norm first are residual" in message
    assert f"'basic_v2' with internal_path='{internal_path}'" in message


def test_a_converted_pre_activation_network_is_a_chain(images):
    model = PlainResNet(
        **{**TINY, "internal_path": "pass_through", "input_shape": (8, 8, 3)},
        block="basic_v2",
    )
    assert audit(model).pass_through
    assert to_numpy(model(images)).shape == (4, 3)
