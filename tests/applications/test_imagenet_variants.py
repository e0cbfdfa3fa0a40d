"""The ImageNet ResNets: counts, twins against torch, coders, sizes."""

import keras
import numpy as np
import pytest
from harness import check_gradients, randomize, to_numpy

from keras_pnnh.applications import PlainResNet, PlainResNet18, create_model
from keras_pnnh.layers import PlainConv2D

TINY = {
    "blocks_per_stage": (2, 1),
    "filters_per_stage": (4, 8),
    "stem": "7x7_pool",
    "classes": 3,
    "input_shape": (32, 32, 3),
}

# Parameters of the residual twin with projections, batch norm's moving
# statistics left out: https://arxiv.org/abs/1512.03385, and the public
# checkpoints of the same networks.
PARAMETERS = {
    "plain_resnet18": 11_689_512,
    "plain_resnet34": 21_797_672,
    "plain_resnet50": 25_557_032,
    "plain_resnet101": 44_549_160,
    "plain_resnet152": 60_192_808,
}


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(name, marks=pytest.mark.slow if count > 4e7 else ())
        for name, count in PARAMETERS.items()
    ],
)
def test_parameters_of_the_twin(variant):
    model = create_model(variant, internal_path="residual")
    trainable = sum(
        int(np.prod(variable.shape)) for variable in model.trainable_variables
    )
    assert trainable == PARAMETERS[variant]
    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, 1000)


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_the_twin_equals_torch(block, size):
    """The same network written with torch's functions, padding included."""
    pytest.importorskip("torch")
    model = PlainResNet(
        **{**TINY, "input_shape": (*size, 3)},
        block=block,
        internal_path="residual",
        classifier_activation=None,
    )
    randomize(model, seed=1)
    x = np.random.default_rng(0).uniform(0, 255, (2, *size, 3))
    x = x.astype("float32")
    expected = _torch_resnet(model, x)
    np.testing.assert_allclose(
        to_numpy(model(x)), expected, rtol=1e-4, atol=1e-4
    )


def _torch_resnet(model, x):
    import torch
    from torch.nn import functional

    def tensor(array):
        return torch.from_numpy(np.array(to_numpy(array)))

    def convolve(x, name, stride=1):
        layer = model.get_layer(name)
        kernel = tensor(layer.kernel).permute(3, 2, 0, 1)
        norm = layer.batch_norm
        x = functional.conv2d(
            x, kernel, stride=stride, padding=kernel.shape[-1] // 2
        )
        return functional.batch_norm(
            x,
            tensor(norm.moving_mean),
            tensor(norm.moving_variance),
            tensor(norm.gamma),
            tensor(norm.beta),
            eps=1e-5,
        )

    names = {layer.name for layer in model.layers}
    x = torch.from_numpy(x / 127.5 - 1).permute(0, 3, 1, 2)
    x = functional.relu(convolve(x, "stem_conv", 2))
    x = functional.max_pool2d(x, 3, 2, padding=1)
    for stage, blocks in enumerate(TINY["blocks_per_stage"], 1):
        for block in range(1, blocks + 1):
            name = f"stage{stage}_block{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            bottleneck = f"{name}_conv3" in names
            skip = x
            if f"{name}_shortcut" in names:
                skip = convolve(x, f"{name}_shortcut", stride)
            first, second = (1, stride) if bottleneck else (stride, 1)
            x = functional.relu(convolve(x, f"{name}_conv1", first))
            x = convolve(x, f"{name}_conv2", second)
            if bottleneck:
                x = convolve(functional.relu(x), f"{name}_conv3")
            x = functional.relu(x + skip)
    head = model.get_layer("head")
    logits = x.mean((2, 3)) @ tensor(head.kernel) + tensor(head.bias)
    return logits.numpy()


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("internal_path", ["coder", "residual", "none"])
def test_every_trainable_variable_has_a_gradient(block, internal_path):
    model = PlainResNet(
        **TINY,
        block=block,
        internal_path=internal_path,
        coder_training="scaled",
    )
    x = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    check_gradients(model, [x.astype("float32")])


@pytest.mark.torch_only
def test_a_bottleneck_carries_its_code_through_all_blocks():
    """With silent learners the first block projects, the others carry on."""
    model = PlainResNet(
        (3,), (4,), block="bottleneck", input_shape=(8, 8, 3), include_top=False
    )
    for layer in model.layers:
        if isinstance(layer, PlainConv2D) and layer.name != "stem_conv":
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    names = [
        "stem_relu",
        *(f"stage1_block{block}_relu3" for block in (1, 2, 3)),
    ]
    probe = keras.Model(
        model.input, [model.get_layer(name).output for name in names]
    )
    x = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    stem, *carried = map(to_numpy, probe(x.astype("float32")))
    # Four output channels for each channel of the code, all alike.
    means = np.repeat(stem.mean(-1, keepdims=True), 4, axis=-1)
    np.testing.assert_allclose(carried[0][..., :4], means, rtol=1e-4, atol=1e-6)
    for signal in carried[1:]:
        np.testing.assert_allclose(signal, carried[0], rtol=1e-4, atol=1e-6)


@pytest.mark.torch_only
def test_sizes_below_the_strides():
    with pytest.raises(ValueError, match="at least 64x64"):
        PlainResNet18(input_shape=(63, 64, 3))


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("argument", "choices"),
    [
        ("block", r"\('basic', 'bottleneck', 'basic_v2', 'bottleneck_v2'\)"),
        ("stem", r"\('3x3', '7x7_pool'\)"),
        ("norm", r"\('learner', 'kernel'\)"),
    ],
)
def test_unknown_parts(argument, choices):
    rule = f"`{argument}` must be one of {choices}. Received: {argument}='x'"
    with pytest.raises(ValueError, match=rule):
        PlainResNet((1,), (4,), **{argument: "x"})
